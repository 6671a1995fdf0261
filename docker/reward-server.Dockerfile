# The reward server by itself: no TensorFlow, no native code.
#
#     docker build -f docker/reward-server.Dockerfile -t v-triune-reward-server .
#     docker run --rm -p 127.0.0.1:8000:8000 v-triune-reward-server
#
# The second stage holds the built packages and what they need at run time, nothing else.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN node tools/ensure-installed.mjs
RUN npx nx run-many -t build -p @v-triune/reward-server && node tools/pack.mjs /packed @v-triune/reward-server

FROM node:20-bookworm-slim
WORKDIR /app
COPY --from=build /packed /packed
RUN npm init -y >/dev/null && npm install --omit=dev --ignore-scripts /packed/*.tgz && rm -r /packed
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=2s CMD ["node", "-e", "fetch('http://127.0.0.1:8000/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The first process of the container is the server itself, so that `docker stop` reaches it and it drains.
ENTRYPOINT ["node", "node_modules/@v-triune/reward-server/bin/v-triune-reward-server.mjs", "--host", "0.0.0.0"]
