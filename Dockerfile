# syntax=docker/dockerfile:1
# Counterfoil without Lambda: one image for the HTTP API, the worker and the preparation. See docs/containers.md.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY examples/package.json examples/
RUN npm ci --omit=dev --omit=optional --ignore-scripts && mkdir /data

# Node and nothing else: no shell, no package manager. It runs as the user 65532.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages --chown=65532:65532 /data /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY lib lib
COPY functions functions
COPY infra infra
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/nodejs/bin/node", "infra/container/probe.ts"]
CMD ["infra/container/main.ts", "http"]
