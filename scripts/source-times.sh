#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cargo builds again what is newer than its last build, and in a fresh clone every file is new. `restore` gives the files and
# folders that are as they were at the last run their time of then, so that only what changed is built; `save` is
# called at the end of a run.
#
# It does nothing where it could make cargo miss a change: in a clone at another path (build scripts name files by their
# absolute path), when something else has built into the same target directory since, or with changes that are not committed.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-${OFFSTAGE_CACHE:-$HOME/.cache/offstage}/target}
list=$target/source-times
fingerprints=$target/release/.fingerprint

# `hash<tab>path` of every file and folder, the clone's place first.
contents() {
    printf 'clone\t%s\n' "$PWD"
    git ls-tree -r -t --format='%(objectname)%x09%(path)' HEAD
}

[ -d "$fingerprints" ] || exit 0
[ -z "$(git status --porcelain)" ] || exit 0

case ${1:-} in
save)
    contents | while IFS=$'\t' read -r hash path; do
        time=0
        [ "$hash" = clone ] || time=$(stat -c %.9Y "$path")
        printf '%s\t%s\t%s\n' "$hash" "$path" "$time"
    done >"$list.new"
    mv "$list.new" "$list"
    ;;
restore)
    [ -f "$list" ] && grep -qxF "clone"$'\t'"$PWD"$'\t0' "$list" || exit 0
    [ -z "$(find "$fingerprints" -type f -newer "$list" -print -quit)" ] || exit 0
    awk -F '\t' 'NR == FNR { time[$1 "\t" $2] = $3; next } ($1 "\t" $2) in time && $1 != "clone" { print time[$1 "\t" $2] "\t" $2 }' \
        "$list" <(contents) | while IFS=$'\t' read -r time path; do
        touch --no-create -d "@$time" "$path"
    done
    ;;
*)
    echo "usage: scripts/source-times.sh save|restore" >&2
    exit 2
    ;;
esac
