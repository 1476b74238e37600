#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a workspace that has our manifests and nothing in them, so that Cargo can compile what they depend on before the
# sources are there: scripts/image-skeleton.sh FOLDER. Run by build.Dockerfile. As long as no manifest changes, FOLDER is the
# same to the bit, and the image's layer with the compiled dependencies is used again.
set -eu
cd "$(dirname "$0")/.."
to=$1

copy() {
    mkdir -p "$to/$(dirname "$1")"
    cp "$1" "$to/$1"
}

copy Cargo.lock
copy .cargo/config.toml
copy rust-toolchain.toml
find . -name Cargo.toml -not -path './target/*' | while read -r manifest; do
    copy "$manifest"
    # What makes a target: Cargo wants each to be there that a manifest names, and finds the others by their place.
    package=$(dirname "$manifest")
    for root in "$package"/build.rs "$package"/src/lib.rs "$package"/src/main.rs "$package"/src/bin/*.rs \
        "$package"/benches/*.rs "$package"/examples/*.rs; do
        [ -f "$root" ] || continue
        mkdir -p "$to/$(dirname "$root")"
        echo 'fn main() {}' >"$to/$root"
    done
done
find "$to" -exec touch -h -d @0 {} +
