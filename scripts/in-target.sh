#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command that builds: scripts/in-target.sh COMMAND...
#
# The build folder belongs to the clone: `target`, unless CARGO_TARGET_DIR names another. In a folder outside of the
# clone another clone may have built. Cargo tells by times and not by contents whether a crate of the workspace is fresh, and
# knows it by its place in the workspace, so it would take the other clone's for this one's. So before this clone
# builds where another built last, what was made of the workspace's own crates is removed, and is compiled anew from
# this clone. Crates from the registry stay: the lock file names their contents.
#
# A clone is known by a random word in its .git folder. One clone at a time uses the folder; others wait.
set -euo pipefail
clone=$(cd "$(dirname "$0")/.." && pwd -P)
target=$(realpath -m "${CARGO_TARGET_DIR:-$clone/target}")

case $target/ in
"$clone"/*) exec "$@" ;;
esac

mkdir -p "$target"
exec 9>"$target/offstage.lock"
flock --nonblock 9 || {
    printf 'build: waiting for another clone that builds in %s\n' "$target" >&2
    flock 9
}

# The names of the workspace's packages, a line each.
members() {
    cargo metadata --no-deps --format-version 1 --locked --manifest-path "$clone/Cargo.toml" \
        | grep -oP '"workspace_members":\[\K[^]]*' | grep -oP '#\K[^"@]+(?=@)'
}

# Removes what was made of the workspace's own crates.
remove_members() {
    local names name
    names=$(members)
    # shellcheck disable=SC2046 # a word for each name
    cargo clean --quiet --release --manifest-path "$clone/Cargo.toml" --target-dir "$target" $(printf -- '--package %s ' $names)
    # The runtime's WebAssembly is built in a workspace of its own, inside the folder.
    [ -d "$target/release/wbuild" ] || return 0
    find "$target/release/wbuild" -type d -name .fingerprint | while read -r fingerprints; do
        for name in $names; do
            rm -rf "$fingerprints/$name"-[0-9a-f]*
        done
    done
}

word=$(git -C "$clone" rev-parse --absolute-git-dir)/offstage-clone
[ -s "$word" ] || head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$word"
if ! cmp -s "$word" "$target/offstage-clone"; then
    if [ -d "$target/release" ]; then
        printf 'build: another clone built in %s; the workspace is compiled anew\n' "$target" >&2
        rm -f "$target/offstage-clone"
        remove_members
    fi
    cp "$word" "$target/offstage-clone"
fi
# The lock is this script's alone: a process that outlives the command must not hold it.
"$@" 9>&-
