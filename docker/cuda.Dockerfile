# v-triune with TensorFlow for NVIDIA GPUs (linux/amd64): CUDA 12.5 and cuDNN 9.3 come from NVIDIA's wheels, so the base
# image needs no CUDA. The host needs driver 525 or newer and the NVIDIA container toolkit.
#
#     docker build -f docker/cuda.Dockerfile -t v-triune:cuda .
#     docker run --rm --gpus all -v "$PWD/runs:/app/runs" v-triune:cuda doctor
#
# Building needs no GPU: the addon is then tried on the CPU only.
FROM node:20-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ binutils python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN npm ci
ENV V_TRIUNE_NATIVE_DIR=/opt/v-triune/native
RUN npx v-triune native install --cuda

FROM node:20-bookworm-slim
# What the container toolkit is to mount: the driver's compute libraries and nvidia-smi.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    V_TRIUNE_NATIVE_DIR=/opt/v-triune/native
COPY --from=build /opt/v-triune /opt/v-triune
COPY --from=build --chown=node:node /app /app
WORKDIR /app
USER node
ENTRYPOINT ["npx", "v-triune"]
CMD ["doctor"]
