# SPDX-License-Identifier: Apache-2.0
# The images, and the same binaries for everybody from the same source. docs/src/operating.md says how to use the images,
# docs/src/reproducible-build.md what is done so that an auditor gets the measurement that an operator's enclave shows.
#
#   docker build -t offstage-worker --target deployed-worker --build-arg WORKER_MODE_ARG=offchain-worker -f build.Dockerfile .
#   docker build -t offstage-client --target deployed-client -f build.Dockerfile .
#   docker build -t offstage-node --target deployed-node -f build.Dockerfile .
#   docker build -f build.Dockerfile --output out .
#
# A target builds what it needs and nothing else; with a builder that goes through the file from the top, nothing that
# stands below it. Without a daemon: `make images`.

# For a release pin the image by digest (debian:trixie-slim@sha256:...): what is behind the tag changes.
ARG BASE=debian:trixie-slim

# ---- What was asked for ----------------------------------------------------------------------------------------------
FROM ${BASE} AS asked
# The names are those that users of Integritee's SDK know.
ARG WORKER_MODE_ARG=offchain-worker
ARG SGX_MODE=SW
ARG ADDITIONAL_FEATURES_ARG=
COPY scripts/image-arguments.sh /
RUN sh /image-arguments.sh "$WORKER_MODE_ARG" "$SGX_MODE" "$ADDITIONAL_FEATURES_ARG"

# ---- Compiler --------------------------------------------------------------------------------------------------------
# On top of it, so that a wrong argument is refused before anything is built.
FROM asked AS toolchain
# For a release take the packages from a dated snapshot of the archive.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev rustup \
    && rm -rf /var/lib/apt/lists/*

# No path of this machine, no time stamp and no identifier of the linking goes into a binary.
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo \
    CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0 \
    SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-ffile-prefix-map=/usr/local/cargo=/cargo -ffile-prefix-map=/source=/offstage -ffile-prefix-map=/target=/target" \
    RUSTFLAGS="--remap-path-prefix=/source=/offstage --remap-path-prefix=/usr/local/cargo=/cargo --remap-path-prefix=/usr/local/rustup=/rustup -Clink-arg=-Wl,--build-id=none"

WORKDIR /source
# The compiler is the one that the file pins; rustup installs it at its first use.
COPY rust-toolchain.toml .
RUN cargo --version

# ---- Our manifests without our sources -------------------------------------------------------------------------------
# What is compiled of them is everything that our programs depend on, in layers of their own: a change of our sources
# does not compile it again. What is downloaded is kept beside the layers.
FROM ${BASE} AS skeleton
COPY . /source
RUN sh /source/scripts/image-skeleton.sh /skeleton

# ---- What each image has ---------------------------------------------------------------------------------------------
# The public certificate authorities, and none that the building machine has beside them.
FROM asked AS authorities
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
    && cat /usr/share/ca-certificates/mozilla/*.crt >/public-authorities.crt

FROM ${BASE} AS runtime
# For a node behind wss://. The enclave's own connections trust nobody for whom a certificate authority vouches.
COPY --from=authorities /public-authorities.crt /etc/ssl/certs/ca-certificates.crt
COPY --chmod=755 scripts/http-ok.sh /usr/local/bin/http-ok
RUN groupadd --gid 10001 offstage && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data offstage \
    && install --directory --mode=700 --owner=10001 --group=10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data

# ---- Client ----------------------------------------------------------------------------------------------------------
FROM toolchain AS client-dependencies
COPY --from=skeleton /skeleton .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-client --bin offstage \
    && cargo clean --release --locked --workspace

FROM client-dependencies AS client-build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-client --bin offstage \
    && install -D -t /out /target/release/offstage

FROM runtime AS deployed-client
LABEL org.opencontainers.image.title="Offstage client" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=client-build /out/ /usr/local/bin/
COPY --chmod=755 scripts/demo-client.sh /usr/local/bin/demo-client
ENTRYPOINT ["/usr/local/bin/offstage"]
CMD ["--help"]

# ---- Worker and enclave ----------------------------------------------------------------------------------------------
# Each binary by itself: Cargo joins the features of what is built together, and the enclave must not get the worker's. Most
# of what they depend on, the client has compiled.
FROM client-dependencies AS worker-dependencies
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-balances --bin offstage-enclave \
    && cargo build --release --locked --package offstage-worker --bin offstage-worker \
    && cargo clean --release --locked --workspace

FROM worker-dependencies AS worker-build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-balances --bin offstage-enclave \
    && cargo build --release --locked --package offstage-worker --bin offstage-worker \
    && install -D -t /out /target/release/offstage-enclave /target/release/offstage-worker

FROM runtime AS deployed-worker
LABEL org.opencontainers.image.title="Offstage worker" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=worker-build /out/ /usr/local/bin/
# Clients, peers, health, metrics.
EXPOSE 2000 3443 4545 8787
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --retries=3 CMD ["http-ok", "4545", "/is_initialized"]
ENTRYPOINT ["/usr/local/bin/offstage-worker"]
CMD ["--help"]

# ---- Node ------------------------------------------------------------------------------------------------------------
FROM toolchain AS node-dependencies
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        clang cmake g++ libclang-dev libssl-dev make pkg-config protobuf-compiler \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add wasm32v1-none
COPY --from=skeleton /skeleton .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-node --bin offstage-node \
    && cargo clean --release --locked --workspace

FROM node-dependencies AS node-build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --release --locked --package offstage-node --bin offstage-node \
    && install -D -t /out /target/release/offstage-node

FROM runtime AS deployed-node
LABEL org.opencontainers.image.title="Offstage node" org.opencontainers.image.licenses="GPL-3.0-only"
USER root
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libssl3t64 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
USER 10001:10001
COPY --from=node-build /out/ /usr/local/bin/
# JSON-RPC, peers, metrics.
EXPOSE 9944 30333 9615
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["http-ok", "9944", "/health"]
ENTRYPOINT ["/usr/local/bin/offstage-node"]
CMD ["--help"]

# ---- The binaries alone ----------------------------------------------------------------------------------------------
FROM ${BASE} AS sums
COPY --from=client-build /out/ /out/
COPY --from=worker-build /out/ /out/
COPY --from=node-build /out/ /out/
RUN cd /out && sha256sum * >SHA256SUMS

FROM scratch AS binaries
COPY --from=sums /out/ /
