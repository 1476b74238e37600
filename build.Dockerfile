# SPDX-License-Identifier: Apache-2.0
# Meant to give everybody the same binaries from the same source, so that an auditor gets the measurement that an
# operator's enclave shows. See docs/src/reproducible-build.md.
#
# THIS FILE HAS NOT BEEN RUN. It was written where no container could be started. Until somebody has built twice and
# compared, do not say that the build is reproducible.
#
#   docker build -f build.Dockerfile --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --output out .
#   sha256sum out/offstage-enclave

# For a release pin the image by digest (debian:trixie-slim@sha256:...): what is behind the tag changes.
FROM debian:trixie-slim AS build

# What scripts/setup.sh installs too. For a release take them from a dated snapshot of the archive.
RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential ca-certificates clang cmake curl git libclang-dev libssl-dev pkg-config protobuf-compiler \
    && rm -rf /var/lib/apt/lists/*

ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
RUN curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs \
    | sh -s -- -y --no-modify-path --profile minimal --default-toolchain none

WORKDIR /source
# The compiler is the one that the file pins; its own layer, because it changes rarely.
COPY rust-toolchain.toml .
RUN rustup toolchain install && rustup target add wasm32v1-none && rustup component add rust-src

COPY . .
RUN cargo fetch --locked

# No path of this machine, no time stamp and no identifier of the linking goes into a binary.
ARG SOURCE_DATE_EPOCH
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} \
    CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0 \
    CFLAGS="-ffile-prefix-map=/usr/local/cargo=/cargo -ffile-prefix-map=/source=/offstage -ffile-prefix-map=/target=/target" \
    RUSTFLAGS="--remap-path-prefix=/source=/offstage --remap-path-prefix=/usr/local/cargo=/cargo --remap-path-prefix=/usr/local/rustup=/rustup -Clink-arg=-Wl,--build-id=none"

# Each binary by itself: Cargo joins the features of what is built together, and the enclave must not get the node's.
RUN test -n "$SOURCE_DATE_EPOCH" \
    && cargo build --release --locked --offline --package offstage-balances --bin offstage-enclave \
    && cargo build --release --locked --offline --package offstage-worker --bin offstage-worker \
    && cargo build --release --locked --offline --package offstage-client --bin offstage \
    && cargo build --release --locked --offline --package offstage-node --bin offstage-node \
    && mkdir /out \
    && cd /target/release \
    && cp offstage-enclave offstage-worker offstage offstage-node /out/ \
    && cd /out && sha256sum * > SHA256SUMS

FROM scratch
COPY --from=build /out/ /
