#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pledges on a network of this machine: `offstage dev --once ./devnet.sh`, which says in the environment where node, workers
# and shard are. The cause is //Eve, who has a unit less than the goal.
set -euo pipefail

# expect VALUE COMMAND...: the command's result is this.
expect() {
    local value
    value=$("${@:2}")
    [ "$value" = "$1" ] || { echo "${*:2}: $value instead of $1" >&2; exit 1; }
}

# refused REASON COMMAND...: the command fails for this reason.
refused() {
    local told
    if told=$("${@:2}" 2>&1); then
        echo "${*:2}: not refused" >&2
        exit 1
    fi
    grep -q "refused: $1" <<<"$told" || { echo "$told" >&2; exit 1; }
}

# has ACCOUNT FREE: what an account has in the shard, beside what is on hold.
has() {
    offstage trusted query System.Account "$1" --output json | grep -q "\"free\":$2," || { echo "$1 has not $2" >&2; exit 1; }
}

for account in //Alice //Bob; do
    offstage shield-funds //Alice "$account" 50_000_000_000
done
offstage trusted call --from //Alice Pledge.pledge amount=20_000_000_000
offstage trusted call --from //Bob Pledge.pledge amount=10_000_000_000
expect 10000000000 offstage trusted query Pledge.Pledges //Bob
if offstage trusted query --as //Alice Pledge.Pledges //Bob; then
    echo "who asks reads the pledges of others" >&2
    exit 1
fi

# The shard sees on the parentchain what the cause has.
refused Pledge.NotYet offstage trusted call --from //Bob Pledge.settle
offstage transfer //Alice //Eve 1_000_000_000_000
before=$(offstage balance //Eve)
offstage trusted call --from //Bob Pledge.settle
# A payment is one extrinsic of the parentchain, and the shard hears of its end.
while offstage trusted query Pledge.Payment; do sleep 2; done
expect $((before + 30000000000)) offstage balance //Eve
has //Alice 30000000000
has //Bob 40000000000
refused Pledge.Nothing offstage trusted call --from //Bob Pledge.settle
echo "30000000000 went to the cause at once"
