#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo that users of Integritee's SDK know, on a network that runs: through each of two workers it shields, transfers and
# unshields, and checks the balances on both workers, the payout and each receipt. Run by docker-compose.yml; by hand:
# scripts/demo-client.sh [-C CLIENT] [-u NODE-URL] [-p NODE-PORT] [-V WORKER1-URL] [-A PORT] [-W WORKER2-URL] [-B PORT]
#
# It may run again on the same chain: it compares with the balances that it finds.
set -euo pipefail

client=offstage
node=ws://127.0.0.1 node_port=9944
urls=(wss://127.0.0.1 wss://127.0.0.1) ports=(2000 2010)
while getopts C:u:p:V:A:W:B: option; do
    case $option in
    C) client=$OPTARG ;;
    u) node=$OPTARG ;;
    p) node_port=$OPTARG ;;
    V) urls[0]=$OPTARG ;;
    A) ports[0]=$OPTARG ;;
    W) urls[1]=$OPTARG ;;
    B) ports[1]=$OPTARG ;;
    *) sed -n 's/^# scripts/usage: scripts/p' "$0" >&2; exit 2 ;;
    esac
done

readonly SHIELDED=50000000000 TRANSFERRED=25000000000 UNSHIELDED=15000000000
# Keys of their own, so that nothing on chain connects them with the public account.
readonly ALICE=//AliceIncognito BOB=//BobIncognito
# Where the payout goes: an account that pays no fees, so that its balance can be told to the last unit.
readonly BENEFICIARY=//AliceBeneficiary

begun=$SECONDS
say() { printf '[%3d s] %s\n' $((SECONDS - begun)) "$*"; }
fail() { printf 'demo failed: %s\n' "$*" >&2; exit 1; }

# What the client keeps of a chain must not outlive it: the next one has the same genesis.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_DATA_HOME=$folder/data XDG_CONFIG_HOME=$folder/config
# Nodes of the demo are on networks of containers, and its enclaves are of the software platform, which protects nothing.
export OFFSTAGE_ROOT=development

# Runs the client with worker 0 or 1; what it says on the way is kept for the case that it fails.
through() {
    local worker=$1
    shift
    "$client" --insecure-plain-ws -u "$node" -p "$node_port" -U "${urls[worker]}" -P "${ports[worker]}" "$@" 2>"$folder/said" \
        || fail "offstage $*: $(tail -2 "$folder/said")"
}

# Waits until a command prints a value: the second worker and the payout are some blocks behind.
expect() {
    local wanted=$1 seen='' try
    shift
    for ((try = 0; try < 60; try++)); do
        seen=$("$@" 2>&1 | tail -1) || true
        [ "$seen" != "$wanted" ] || return 0
        sleep 1
    done
    fail "wanted $wanted of \`$*\`, got $seen"
}

shard=$(through 0 list-workers | awk '/  MRENCLAVE: / { print $2; exit }')
[ -n "$shard" ] || fail "no worker is registered"
# Whoever means a certain shard knows it from its operator. This is the only one of a chain of our own.
export OFFSTAGE_SHARD=$shard
for worker in 0 1; do
    expect "$shard" through $worker trusted get-shard
done
say "both workers serve shard $shard"

alice=$(through 0 trusted balance $ALICE | tail -1)
bob=$(through 0 trusted balance $BOB | tail -1)
paid=$(through 0 balance $BENEFICIARY | tail -1)
for worker in 0 1; do
    say "--- through worker $((worker + 1)), ${urls[worker]}"
    operations=()
    say "Alice shields $SHIELDED to her incognito account: the amount is public, the beneficiary is not"
    operation=$(through $worker shield-funds //Alice $ALICE $SHIELDED "$shard" | tail -1)
    operations+=("$operation")
    say "she transfers $TRANSFERRED to Bob's incognito account: nothing of it is public"
    operation=$(through $worker trusted transfer $ALICE $BOB $TRANSFERRED | tail -1)
    operations+=("$operation")
    say "she unshields $UNSHIELDED to a public account"
    operation=$(through $worker trusted unshield-funds $ALICE $BENEFICIARY $UNSHIELDED | tail -1)
    operations+=("$operation")

    alice=$((alice + SHIELDED - TRANSFERRED - UNSHIELDED)) bob=$((bob + TRANSFERRED)) paid=$((paid + UNSHIELDED))
    for other in 0 1; do
        expect $alice through $other trusted balance $ALICE
        expect $bob through $other trusted balance $BOB
    done
    say "both workers hold $alice for Alice and $bob for Bob"
    expect $paid through $worker balance $BENEFICIARY
    say "the shard paid $UNSHIELDED out"
    for operation in "${operations[@]}"; do
        for other in 0 1; do
            through $other trusted get-receipt "$operation" >"$folder/receipt"
        done
    done
    say "each operation's receipt, from both workers, follows from the root on chain"
done
echo 'demo passed'
