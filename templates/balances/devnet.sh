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

# Money comes in, where everybody sees it,
offstage shield-funds //Alice //Alice 50_000_000_000
# moves where nobody does, as an extrinsic of the runtime or in the words of Integritee's client,
offstage trusted call --from //Alice Balances.transfer_allow_death dest=//Dora value=20_000_000_000
offstage trusted transfer //Alice //Dora 1_000_000_000
# and goes out.
offstage trusted call --from //Dora Parentchain.unshield beneficiary=//Eve amount=6_000_000_000

expect 29000000000 offstage trusted balance //Alice
expect 15000000000 offstage trusted balance //Dora
expect 44000000000 offstage trusted query Balances.TotalIssuance
if offstage trusted query --as //Alice System.Account //Dora; then
    echo "Alice reads what Dora has" >&2
    exit 1
fi
echo "44000000000 is in the shard"
