#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the calls of our pallets take, by their FRAME benchmarks on the runtime's WebAssembly (chain/benchmarks), and
# shows the difference to the weights in use: scripts/weights.sh. With UPDATE=1 it writes them
# (chain/pallets/*/src/weights/measured.rs).
#
# Rare and by hand, on a machine that has nothing else to do. What it builds is the runtime with the feature
# `runtime-benchmarks`, which no chain may run; so it is built apart, in chain/benchmarks/target.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'weights: error: %s\n' "$*" >&2; exit 1; }

# What is measured are the versions that are shipped.
versions() { awk '/^name = /{name=$3} /^version = /{print name, $3}' "$1" | sort -u; }
ours=$(sed -n 's/^name = "\(.*\)"$/"\1"/p' chain/benchmarks/Cargo.toml)
strange=$(comm -23 <(versions chain/benchmarks/Cargo.lock) <(versions Cargo.lock) | grep -v "^$ours " || true)
[ -z "$strange" ] || fail "chain/benchmarks/Cargo.lock has versions that Cargo.lock has not; cp Cargo.lock chain/benchmarks/Cargo.lock and try again: $strange"

target=chain/benchmarks/target
unset CARGO_TARGET_DIR SKIP_WASM_BUILD
cargo build --release --locked --manifest-path chain/benchmarks/Cargo.toml

rate=$(openssl speed -seconds 3 rsa3072 2>/dev/null | awk '/^rsa *3072 bits/ {print $6}')
machine=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1)
note="$(date -u +%F), on one core of: ${machine:-unknown}, which does ${rate:-an unknown number of} RSA-3072 private operations a second (openssl speed)."
printf 'weights: %s\n' "$note"
"$target/release/offstage-benchmarks" "$target/weights" "$note"

for pallet in teerex enclave-bridge; do
    measured=$target/weights/pallet_${pallet//-/_}.rs
    used=chain/pallets/$pallet/src/weights/measured.rs
    rustfmt --edition 2024 "$measured"
    if [ "${UPDATE:-0}" = 1 ]; then cp "$measured" "$used"; else diff -u "$used" "$measured" || true; fi
done
