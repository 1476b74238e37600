#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Private assets on a network of this machine: `offstage dev --once ./devnet.sh`, which says in the environment where node,
# workers and shard are.
set -euo pipefail

# expect VALUE COMMAND...: the command's result is this.
expect() {
    local value
    value=$("${@:2}")
    [ "$value" = "$1" ] || { echo "${*:2}: $value instead of $1" >&2; exit 1; }
}

# An account has money before it has an asset; who issues one leaves a deposit.
for account in //Alice //Bob; do
    offstage shield-funds //Alice "$account" 50_000_000_000
done
offstage trusted call --from //Alice Assets.create id=7 admin=//Alice min_balance=1
offstage trusted call --from //Alice Assets.mint id=7 beneficiary=//Alice amount=1_000
offstage trusted call --from //Alice Assets.transfer id=7 target=//Bob amount=300

# Each reads its own, and nobody that of others: not even the issuer.
expect 700 offstage trusted view Assets.balance_of //Alice 7
expect 300 offstage trusted view Assets.balance_of //Bob 7
if offstage trusted view --as //Alice Assets.balance_of //Bob 7; then
    echo "the issuer reads what Bob has" >&2
    exit 1
fi
if offstage trusted query Assets.Asset 7; then
    echo "everybody reads how much there is" >&2
    exit 1
fi
if refusal=$(offstage trusted call --from //Bob Assets.mint id=7 beneficiary=//Bob amount=1 2>&1); then
    echo "Bob made money" >&2
    exit 1
fi
grep -q 'refused: Assets.NoPermission' <<<"$refusal"
echo "700 and 300"
