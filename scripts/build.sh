#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds all programs and installs the named ones into bin/: scripts/build.sh PROGRAM... Run by `make build`, through
# scripts/in-target.sh, so that no other clone builds in between.
#
# The enclave is built by itself. Cargo joins the features of what it builds in one go, and the enclave must not get those
# that node, worker and client ask of what they share with it. What it takes, the enclave of an author's own crate takes
# too, so the first build of that finds FRAME compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --workspace --exclude offstage-balances --lib --bins
cargo build --release --locked --package offstage-balances --bin offstage-enclave
mkdir -p bin
for program in "$@"; do
    install -p "${CARGO_TARGET_DIR:-target}/release/$program" bin/
done
