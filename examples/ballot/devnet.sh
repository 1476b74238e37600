#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A ballot on a network of this machine: `offstage dev --once ./devnet.sh`, which says in the environment where node, workers
# and shard are.
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

# vote ACCOUNT VOTE: whoever votes pays for the envelope by itself, so all vote at once.
vote() {
    offstage trusted -a "$1" call --from "$1" Ballot.vote id=0 vote="$2"
}

end=$(($(block) + 60))
offstage trusted call --from //Alice Ballot.propose question='Tabs?' end=$end voters='(//Alice, //Bob, //Charlie)'
vote //Alice Yes & alice=$!
vote //Bob No & bob=$!
wait $alice
wait $bob

# Until the end nobody learns anything but the own vote.
expect '{"vote":"No","times":1}' offstage trusted query --output json Ballot.Votes 0 //Bob
if offstage trusted query --as //Alice Ballot.Votes 0 //Bob; then
    echo "who asks reads the votes of others" >&2
    exit 1
fi
expect null offstage trusted view Ballot.tally 0
if refusal=$(vote //Dave Yes 2>&1); then
    echo "who may not vote has voted" >&2
    exit 1
fi
grep -q 'refused: Ballot.NotEligible' <<<"$refusal"

echo "waiting for block $end" >&2
while [ "$(block)" -lt "$end" ]; do sleep 2; done
expect '{"abstained":1,"yes":1,"no":1}' offstage trusted view Ballot.tally 0 --output json
echo "one said yes, one no, one nothing"
