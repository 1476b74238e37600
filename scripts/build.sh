#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds all programs and installs the named ones into bin/: scripts/build.sh PROGRAM... Run by `make build`, through
# scripts/in-target.sh, so that no other clone builds in between.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --workspace --lib --bins
mkdir -p bin
for program in "$@"; do
    install -p "${CARGO_TARGET_DIR:-target}/release/$program" bin/
done
