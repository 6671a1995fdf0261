# v-triune with native TensorFlow for the CPU (linux/amd64 and linux/arm64).
#
#     docker build -f docker/cpu.Dockerfile -t v-triune .
#     docker run --rm -v "$PWD/runs:/app/runs" v-triune demo
#
# The first stage needs a compiler and pip; the image keeps neither.
FROM node:20-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ binutils python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN npm ci
ENV V_TRIUNE_NATIVE_DIR=/opt/v-triune/native
RUN npx v-triune native install

FROM node:20-bookworm-slim
ENV V_TRIUNE_NATIVE_DIR=/opt/v-triune/native
COPY --from=build /opt/v-triune /opt/v-triune
COPY --from=build --chown=node:node /app /app
WORKDIR /app
USER node
ENTRYPOINT ["npx", "v-triune"]
CMD ["doctor"]
