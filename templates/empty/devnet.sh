#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What users do with it, on a network of this machine: `offstage dev --once ./devnet.sh`, which says in the environment where
# node, workers and shard are.
set -euo pipefail

# expect VALUE COMMAND...: the command's result is this.
expect() {
    local value
    value=$("${@:2}")
    [ "$value" = "$1" ] || { echo "${*:2}: $value instead of $1" >&2; exit 1; }
}

offstage trusted call --from //Alice Counter.add amount=40
offstage trusted call --from //Bob Counter.add amount=2

# The sum is everybody's.
expect 42 offstage trusted query Counter.Sum
expect 4294967253 offstage trusted view Counter.room

# What an account has added is its own.
expect 40 offstage trusted query Counter.Added //Alice
if offstage trusted query --as //Bob Counter.Added //Alice; then
    echo "Bob reads what Alice has added" >&2
    exit 1
fi

# What does not fit is refused, and says so.
if refusal=$(offstage trusted call --from //Bob Counter.add amount=4_294_967_295 2>&1); then
    echo "the sum overflowed" >&2
    exit 1
fi
grep -q 'refused: Counter.Full' <<<"$refusal"
echo "the sum is 42"
