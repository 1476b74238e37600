#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a Debian or Ubuntu machine with rustup lacks to build Offstage. Safe to run again: it
# changes nothing that is already there, and says what it does.
#
# Written: packages of the distribution (with sudo when not root), cargo-nextest, a wasm target for the
# parentchain's runtime, and under $OFFSTAGE_CACHE a file `env.mk` that the Makefile reads.
set -euo pipefail
cd "$(dirname "$0")/.."

OFFSTAGE_CACHE=${OFFSTAGE_CACHE:-$HOME/.cache/offstage}
WASM_TOOLCHAIN=offstage-wasm
mkdir -p "$OFFSTAGE_CACHE"

. scripts/packages.sh

command -v rustup >/dev/null || fail "rustup is missing: install it from https://rustup.rs and try again"
packages build-essential pkg-config protobuf-compiler clang libclang-dev cmake libssl-dev git

# For scripts/local-network.sh.
packages curl jq

# clang++ uses the library of the newest GCC that it finds, of which a machine may have all but the C++ headers.
if ! clang++ -x c++ -fsyntax-only - <<<'#include <string>' 2>/dev/null; then
    packages "libstdc++-$(clang++ -v 2>&1 | sed -n 's|^Selected GCC installation: .*/||p')-dev"
fi

if ! cargo --version >/dev/null 2>&1; then
    say "installing the toolchain that rust-toolchain.toml pins"
    rustup show active-toolchain >&2 || fail "rustup could not install the pinned toolchain"
fi

if ! cargo nextest --version >/dev/null 2>&1; then
    say "installing cargo-nextest (a few minutes)"
    cargo install cargo-nextest --locked >"$OFFSTAGE_CACHE/nextest.log" 2>&1 || fail "could not install cargo-nextest; see $OFFSTAGE_CACHE/nextest.log"
fi

has_wasm_target() { [ -n "$(find "$1/lib/rustlib/wasm32v1-none/lib" -name 'libcore-*.rlib' 2>/dev/null)" ]; }

# The distribution's compiler builds core and alloc for the wasm target from its own source, into a
# sysroot of ours: a way to a wasm runtime on machines where rustup can download nothing.
wasm_toolchain_from_distribution() {
    local root="$OFFSTAGE_CACHE/wasm-toolchain" seed
    packages rustc-web cargo-web rust-web-src lld-19
    if ! { has_wasm_target "$root" && [ -x "$root/bin/cargo" ]; }; then
        say "building core and alloc for wasm32v1-none with the distribution's compiler (about a minute)"
        rm -rf "$root"
        mkdir -p "$root/bin" "$root/lib/rustlib/wasm32v1-none/lib"
        ln -s /usr/lib/rustlib/x86_64-unknown-linux-gnu "$root/lib/rustlib/x86_64-unknown-linux-gnu"
        ln -s /usr/lib/rustlib/src "$root/lib/rustlib/src"
        ln -s /usr/bin/lld-19 "$root/bin/rust-lld"
        # rustc looks for the linker rust-lld on the path.
        printf '#!/bin/sh\nPATH="%s/bin:$PATH" exec /usr/bin/rustc --sysroot "%s" "$@"\n' "$root" "$root" >"$root/bin/rustc"
        printf '#!/bin/sh\nexec /usr/bin/rustdoc --sysroot "%s" "$@"\n' "$root" >"$root/bin/rustdoc"
        printf '#!/bin/sh\nRUSTC="%s/bin/rustc" exec /usr/bin/cargo "$@"\n' "$root" >"$root/bin/cargo"
        chmod +x "$root/bin/rustc" "$root/bin/rustdoc" "$root/bin/cargo"
        seed=$(mktemp -d)
        mkdir "$seed/src"
        printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$seed/Cargo.toml"
        printf '#![no_std]\n' >"$seed/src/lib.rs"
        # The runtime is linked with LTO, which needs bitcode in every rlib.
        (cd "$seed" && env -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
            /usr/bin/cargo build --release --target wasm32v1-none -Zbuild-std=core,alloc) >"$OFFSTAGE_CACHE/wasm-std.log" 2>&1 \
            || fail "could not build core for wasm32v1-none; see $OFFSTAGE_CACHE/wasm-std.log"
        cp "$seed"/target/wasm32v1-none/release/deps/lib{core,alloc,compiler_builtins}-*.rlib "$root/lib/rustlib/wasm32v1-none/lib/"
        rm -rf "$seed"
    fi
    rustup toolchain list | grep -q "^$WASM_TOOLCHAIN" || rustup toolchain link "$WASM_TOOLCHAIN" "$root"
    printf 'export WASM_BUILD_TOOLCHAIN := %s\n' "$WASM_TOOLCHAIN" >"$OFFSTAGE_CACHE/env.mk.new"
}

sysroot=$(rustc --print sysroot)
if has_wasm_target "$sysroot"; then
    : >"$OFFSTAGE_CACHE/env.mk.new"
elif [ -x "$OFFSTAGE_CACHE/wasm-toolchain/bin/cargo" ]; then
    wasm_toolchain_from_distribution
else
    say "adding the target wasm32v1-none"
    if timeout 180 rustup target add wasm32v1-none >"$OFFSTAGE_CACHE/rustup.log" 2>&1 && has_wasm_target "$sysroot"; then
        : >"$OFFSTAGE_CACHE/env.mk.new"
    else
        say "rustup cannot download it here; falling back to the distribution's compiler"
        wasm_toolchain_from_distribution
    fi
fi
# Rewritten only when it changes, so that make does not rebuild on its time stamp.
cmp -s "$OFFSTAGE_CACHE/env.mk.new" "$OFFSTAGE_CACHE/env.mk" 2>/dev/null || cp "$OFFSTAGE_CACHE/env.mk.new" "$OFFSTAGE_CACHE/env.mk"
rm -f "$OFFSTAGE_CACHE/env.mk.new"
