# Gatehouse on the image's own Node. See docs/operations.md, "Containers".

FROM node:24-slim AS modules
WORKDIR /gatehouse
COPY package.json package-lock.json .npmrc ./
# The native packages bring their binaries: nothing is built, no install script is needed.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /gatehouse
COPY --from=modules /gatehouse/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
COPY locales ./locales
COPY migrations ./migrations
COPY public ./public
COPY src ./src
COPY views ./views
RUN ln -s /gatehouse/bin/gatehouse /usr/local/bin/gatehouse \
  && install -d -m 0700 -o node -g node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["gatehouse"]
CMD ["serve"]
