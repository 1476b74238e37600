#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzz targets (fuzz/fuzz_targets: every decoder of the trusted code that untrusted bytes reach, and what tells
# a client whom to trust), each for $FUZZ_SECONDS seconds (default 30), and prints what each did. Fails when one finds a crash.
#
#   scripts/fuzz-smoke.sh [target…]     all targets, or those that are named
#
# Written: cargo-fuzz when it is missing; under $OFFSTAGE_CACHE/fuzz what is built, the growing corpus,
# and inputs that crash (`artifacts`). The seeds in fuzz/corpus are only read.
set -euo pipefail
cd "$(dirname "$0")/.."

OFFSTAGE_CACHE=${OFFSTAGE_CACHE:-$HOME/.cache/offstage}
FUZZ_SECONDS=${FUZZ_SECONDS:-30}
folder=$OFFSTAGE_CACHE/fuzz
mkdir -p "$folder/artifacts" "$folder/corpus" "$folder/logs"

say() { printf 'fuzz-smoke: %s\n' "$*" >&2; }
fail() { printf 'fuzz-smoke: error: %s\n' "$*" >&2; exit 1; }

if ! cargo fuzz --version >/dev/null 2>&1; then
    say "installing cargo-fuzz (about two minutes)"
    env -u CARGO_TARGET_DIR cargo install cargo-fuzz --locked >"$folder/logs/install.log" 2>&1 \
        || fail "could not install cargo-fuzz; see $folder/logs/install.log"
fi

# What is fuzzed are the versions that are shipped.
versions() { awk '/^name = /{name=$3} /^version = /{print name, $3}' "$1" | sort -u; }
strange=$(comm -23 <(versions fuzz/Cargo.lock) <(versions Cargo.lock) | grep -v '^"\(libfuzzer-sys\|offstage-fuzz\)"' || true)
[ -z "$strange" ] || fail "fuzz/Cargo.lock has versions that Cargo.lock has not; cp Cargo.lock fuzz/Cargo.lock and try again: $strange"

if [ $# -gt 0 ]; then targets=("$@"); else
    targets=()
    for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

# Coverage for libFuzzer needs only stable flags of the pinned compiler, so no other toolchain is needed.
# No AddressSanitizer: the fuzzed crates forbid unsafe code. What finds defects here are assertions,
# checked arithmetic (both on, also in dependencies) and the bound on memory that each target has.
# The production configuration is fuzzed, without `cfg(fuzzing)`, for which some libraries have shortcuts.
say "building ${#targets[@]} targets; the first time takes about half an hour, see $folder/logs/build.log"
export CARGO_TARGET_DIR=$folder/target
build=(cargo fuzz build --sanitizer none --debug-assertions --no-cfg-fuzzing --target-dir "$CARGO_TARGET_DIR")
if [ $# -gt 0 ]; then
    for target in "${targets[@]}"; do "${build[@]}" "$target"; done >"$folder/logs/build.log" 2>&1
else
    "${build[@]}" >"$folder/logs/build.log" 2>&1
fi || { tail -n 30 "$folder/logs/build.log" >&2; fail "the targets do not build; see $folder/logs/build.log"; }
programs=$CARGO_TARGET_DIR/$(rustc -vV | sed -n 's/^host: //p')/release

# The last number behind a word in a target's log.
number() { grep -o "$1:* *[0-9]*" "$2" | tail -n 1 | grep -o '[0-9]*$' || echo 0; }

row() { printf '%-20s %12s %10s %8s  %s\n' "$@"; }
table=$(row target executions coverage corpus result)
crashes=0
position=0
for target in "${targets[@]}"; do
    position=$((position + 1))
    say "[$position/${#targets[@]}] $target, $FUZZ_SECONDS s"
    corpus=$folder/corpus/$target
    log=$folder/logs/$target.log
    options=(-max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=3000 -print_final_stats=1
        -artifact_prefix="$folder/artifacts/$target-")
    [ -f "fuzz/dictionaries/$target.dict" ] && options+=(-dict="fuzz/dictionaries/$target.dict")
    mkdir -p "$corpus"
    if "$programs/$target" "${options[@]}" "$corpus" "fuzz/corpus/$target" >"$log" 2>&1; then
        result=ok
    else
        crashes=$((crashes + 1))
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        result="CRASH ${artifact:-see $log}"
        say "$target: $result; once more with: $programs/$target ${artifact:-}"
        grep -m 1 -A 2 'panicked at\|ERROR: libFuzzer' "$log" >&2 || tail -n 5 "$log" >&2
    fi
    table+=$'\n'$(row "$target" "$(number stat::number_of_executed_units "$log")" "$(number cov "$log")" \
        "$(find "$corpus" -type f | wc -l)" "$result")
done

printf '%s\n' "$table"
[ "$crashes" = 0 ] || fail "$crashes of ${#targets[@]} targets found a crash; the inputs are in $folder/artifacts"
say "no crash in ${#targets[@]} targets"
