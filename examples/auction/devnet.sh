#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An auction on a network of this machine: `offstage dev --once ./devnet.sh`, which says in the environment where node,
# workers and shard are.
set -euo pipefail

# expect VALUE COMMAND...: the command's result is this.
expect() {
    local value
    value=$("${@:2}")
    [ "$value" = "$1" ] || { echo "${*:2}: $value instead of $1" >&2; exit 1; }
}

# The block up to which the worker has executed.
block() {
    offstage trusted get-parentchains-info | awk '/^executed block:/ { print $3 }'
}

# bid ACCOUNT AMOUNT: whoever bids pays for the envelope by itself, so all bid at once.
bid() {
    offstage trusted -a "$1" call --from "$1" Auction.bid id=0 amount="$2"
}

for bidder in //Bob //Charlie //Dave; do
    offstage shield-funds //Alice "$bidder" 50_000_000_000
done

deadline=$(($(block) + 60))
offstage trusted call --from //Alice Auction.open deadline=$deadline reserve=10_000_000_000
bid //Bob 20_000_000_000 & bob=$!
bid //Charlie 40_000_000_000 & charlie=$!
bid //Dave 30_000_000_000 & dave=$!
wait $bob
wait $charlie
wait $dave

# Until the end nobody learns anything but the own bid.
expect 20000000000 offstage trusted query Auction.Bids 0 //Bob
if offstage trusted query --as //Alice Auction.Bids 0 //Bob; then
    echo "the seller reads a bid" >&2
    exit 1
fi
if offstage trusted query Auction.Leaders 0; then
    echo "everybody reads who leads" >&2
    exit 1
fi

echo "waiting for block $deadline" >&2
while [ "$(block)" -lt "$deadline" ]; do sleep 2; done

# The highest bid wins, and pays the second.
winner=$(offstage trusted view Auction.highest 0 --output json)
[[ $winner == *,30000000000] ]] || { echo "who has won: $winner" >&2; exit 1; }
offstage trusted call --from //Dave Auction.settle id=0
offstage trusted call --from //Bob Auction.settle id=0
free() {
    offstage trusted query System.Account "$1" --output json | grep -o '"free":[0-9]*'
}
expect '"free":30000000000' free //Alice
expect '"free":50000000000' free //Bob
expect '"free":20000000000' free //Charlie
expect '"free":50000000000' free //Dave
echo "$winner"
