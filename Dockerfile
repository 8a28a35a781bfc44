# docker build -t rolegate .
# docker run -p 8080:8080 -v "$PWD/config:/etc/rolegate:ro" -v rolegate:/var/lib/rolegate rolegate
#
# In the mounted configuration, listen on 0.0.0.0, and put [store] path and [sealing] ring below
# /var/lib/rolegate.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/* \
    && rustup component add llvm-tools
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY benches benches
COPY dist dist
COPY src src
RUN dist/build

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/rolegate --create-home rolegate
COPY --from=build /src/target/dist/rolegate /usr/local/bin/rolegate
USER rolegate
WORKDIR /var/lib/rolegate
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["rolegate"]
CMD ["serve", "--config", "/etc/rolegate/rolegate.toml"]
