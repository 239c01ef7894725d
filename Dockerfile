# syntax=docker/dockerfile:1
FROM node:26-slim AS build
WORKDIR /build
COPY . .
RUN npm ci && npm run build && npm prune --omit=dev --ignore-scripts

# A glibc system: the embedded PostgreSQL is linked against it.
FROM node:26-slim
RUN useradd --system --create-home --home-dir /var/lib/basalt --shell /usr/sbin/nologin basalt \
  && mkdir -m 700 /data && chown basalt:basalt /data
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/client-sdk ./client-sdk
COPY --from=build /build/prisma/migrations ./prisma/migrations
COPY --from=build /build/cli/basalt.js ./cli/basalt.js
USER basalt
ENV BASALT_HOST=0.0.0.0 BASALT_DATA_DIR=/data NODE_ENV=production
VOLUME /data
EXPOSE 4000
# The embedded PostgreSQL gets its time to stop: no kill in the middle of a shutdown.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:' + (process.env.BASALT_PORT || 4000) + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "--v8-pool-size=0", "cli/basalt.js", "start"]
