#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chain of several validators and a shard of several workers on one machine, set up as an operator sets up real ones.
# docs/src/network.md goes through the same steps by hand; tests/e2e/tests/local_network.rs runs this file.
set -euo pipefail
umask 077
root=$(cd "$(dirname "$0")/.." && pwd -P)

usage() {
    cat <<'END'
Run a chain of several validators and several workers on this machine

Usage: scripts/local-network.sh [OPTIONS] COMMAND

Commands:
  start            Set the network up where there is none, start what does not run, wait until every worker serves, and
                   stay. Ctrl-C stops all. --detach comes back instead
  status           Print a line for each process: block and finality, or the worker's phase
  stop [NAME...]   Stop everything, or only what is named, such as validator4 or worker2
  logs [NAME]      Print the end of a log, or of all
  client ARG...    Run bin/offstage as this network's operator: with its keystore, and a profile of shard, chain, node and worker1

Options:
  -v, --validators COUNT   Validators [default: 4]. GRANDPA needs more than two thirds of them: of four, one may fail; of
                           three, none
  -w, --workers COUNT      Workers, each with an archive node of its own [default: 2]
  -t, --block-time MS      Milliseconds from block to block [default: 3000]
  -f, --folder FOLDER      Where keys, chain, stores and logs are kept [default: local-network in the current folder]
  -p, --first-port PORT    The network takes four ports for each process from here on [default: 12000]
  -d, --detach             start: come back when every worker serves, and leave the network running
  -h, --help               Print this

What start does, the first time:
  1. makes the keys of each validator: Aura (who makes blocks), GRANDPA (who votes on finality), and of the network
  2. writes the chain's specification with these validators, the block time, and one account with funds and root: yours
  3. starts the validators, and for each worker an archive node, which keeps the blocks and states that workers need
  4. for each worker: init (makes its keys), transfer (funds its account), preflight (checks), run
The folder remembers validators, workers, block time and ports: a later start goes on with the same chain.

The keys are this network's own, no //Alice. But enclaves run on the software platform, which protects nothing from whoever
runs it, and the chain accepts its quotes. So this is for learning and tests.

Examples:
  scripts/local-network.sh start
  scripts/local-network.sh -v 4 -w 3 -f /tmp/net --detach start
  scripts/local-network.sh -f /tmp/net status
  scripts/local-network.sh -f /tmp/net stop validator4
  scripts/local-network.sh -f /tmp/net client list-workers
  scripts/local-network.sh -f /tmp/net stop

Programs: those in bin/, or in the folder that OFFSTAGE_BIN names. Remove the folder to begin anew.
END
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
misused() {
    printf 'error: %s; see scripts/local-network.sh --help\n' "$*" >&2
    exit 2
}

# ---- The command line

folder=local-network detach=false bin=${OFFSTAGE_BIN:-$root/bin}
declare -A given=() settings=([validators]=4 [workers]=2 [block-time]=3000 [first-port]=12000)

# A number as an option has it: option, value, least, greatest.
number() {
    [[ $2 =~ ^[0-9]{1,6}$ ]] || misused "$1 takes a number from $3 to $4, not \`$2\`"
    ((10#$2 >= $3 && 10#$2 <= $4)) || misused "$1 takes a number from $3 to $4, not $2"
    given[${1#--}]=$((10#$2))
}

command='' names=()
while (($#)); do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    -d | --detach) detach=true ;;
    -v | --validators | -w | --workers | -t | --block-time | -p | --first-port | -f | --folder)
        (($# > 1)) || misused "$1 needs a value"
        case $1 in
        -v | --validators) number --validators "$2" 1 20 ;;
        -w | --workers) number --workers "$2" 1 10 ;;
        -t | --block-time) number --block-time "$2" 200 60000 ;;
        -p | --first-port) number --first-port "$2" 1024 65000 ;;
        -f | --folder) folder=$2 ;;
        esac
        shift
        ;;
    -*) misused "unknown option $1" ;;
    client)
        command=client
        shift
        break
        ;;
    *) if [ -z "$command" ]; then command=$1; else names+=("$1"); fi ;;
    esac
    shift
done
[ -n "$command" ] || misused "no command"
folder=$(realpath -m "$folder")

# ---- What the network consists of

# Takes over what the folder remembers, and the options otherwise.
recall() {
    local name value
    if [ -e "$folder" ]; then
        [ -s "$folder/settings" ] || fail "$folder is there and is no network's: name another folder with --folder"
        while IFS='=' read -r name value; do settings[$name]=$value; done <"$folder/settings"
        for name in "${!given[@]}"; do
            [ "${given[$name]}" = "${settings[$name]}" ] \
                || fail "$folder has a network with --$name ${settings[$name]}: leave the option out, or name another --folder"
        done
    else
        for name in "${!given[@]}"; do settings[$name]=${given[$name]}; done
    fi
    local -i index
    validators=() archives=() workers=()
    for ((index = 1; index <= settings[validators]; index++)); do validators+=("validator$index"); done
    for ((index = 1; index <= settings[workers]; index++)); do archives+=("archive$index") workers+=("worker$index"); done
    nodes=("${validators[@]}" "${archives[@]}")
    all=("${nodes[@]}" "${workers[@]}")
}

require_network() { [ -s "$folder/settings" ] || fail "there is no network in $folder: \`start\` makes one, --folder names another"; }

require_name() {
    local name
    for name in "${all[@]}"; do [ "$name" = "$1" ] && return; done
    misused "there is no \`$1\` in this network; there are ${all[*]}"
}

# Port number $2 of the process $1. Of a node: 0 peers, 1 JSON-RPC. Of a worker: 0 clients, 1 peers, 2 health, 3 metrics.
port() {
    local -i place=0
    while [ "${all[place]}" != "$1" ]; do place+=1; done
    printf '%s' $((settings[first-port] + 4 * place + $2))
}

# The process of a name, if it runs. A number that the system gave to another program since does not count.
process() {
    local id
    id=$(cat "$folder/run/$1" 2>/dev/null) || return 1
    grep -zqxF -e "$folder/$1" "/proc/$id/cmdline" 2>/dev/null || return 1
    printf '%s' "$id"
}

is_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ---- What the nodes and workers say

# Asks a node: name, method, parameters.
ask() {
    curl -sS --max-time 5 -H 'content-type: application/json' "http://127.0.0.1:$(port "$1" 1)" \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":${3:-[]}}" 2>/dev/null | jq -ce .result 2>/dev/null
}

# The number of the block that a node's answer names as a header.
height() { printf '%d' "$(jq -r .number)"; }

final_block() {
    local hash
    hash=$(ask "$1" chain_getFinalizedHead) || return 1
    ask "$1" chain_getHeader "[$hash]" | height
}

answers() { ask "$1" system_health >/dev/null; }
health() { curl -sS --max-time 5 "http://127.0.0.1:$(port "$1" 2)/health" 2>/dev/null; }
is_ready() { curl -sfS --max-time 5 "http://127.0.0.1:$(port "$1" 2)/ready" >/dev/null 2>&1; }

# Waits until a command succeeds, as long as the process lives: name, seconds, what for, command.
wait_for() {
    local name=$1 what=$3
    local -i end=$((SECONDS + $2))
    shift 3
    until "$@"; do
        process "$name" >/dev/null || fail "$name ended; the end of its log, $folder/logs/$name.log:
$(tail -n 15 "$folder/logs/$name.log")"
        ((SECONDS < end)) || fail "$name did not $what in time; the end of its log, $folder/logs/$name.log:
$(tail -n 15 "$folder/logs/$name.log")"
        sleep 0.3
    done
}

# ---- Setting up, once

# Makes the network's folder: all of it or nothing.
set_up() {
    local new name secret scheme type
    say "making keys and the chain's specification in $folder"
    mkdir -p "$(dirname "$folder")"
    new=$(mktemp -d "$folder.new-XXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$new'" EXIT
    mkdir "$new/run" "$new/logs" "$new/operator"
    for name in "${nodes[@]}"; do
        mkdir "$new/$name"
        "$bin/offstage-node" key generate-node-key --file "$new/$name/node.key" 2>"$new/$name/peer-id"
    done
    (cd "$new/operator" && "$bin/offstage" new-account >account)
    for name in "${validators[@]}"; do
        for type in aura gran; do
            "$bin/offstage-node" key generate --scheme "$(scheme_of $type)" --output-type json >"$new/$name/$type.json"
        done
    done
    specification "$new" >"$new/plain.json"
    "$bin/offstage-node" export-chain-spec --chain "$new/plain.json" --raw --output "$new/chain.json" >/dev/null
    # The keys themselves go into the keystores of the validators, and nowhere else.
    for name in "${validators[@]}"; do
        for type in aura gran; do
            secret=$new/$name/$type.secret scheme=$(scheme_of $type)
            jq -rj .secretPhrase "$new/$name/$type.json" >"$secret"
            "$bin/offstage-node" key insert --base-path "$new/$name" --chain "$new/chain.json" \
                --scheme "$scheme" --key-type $type --suri "$secret" 2>"$new/logs/$name.log" || fail "$(cat "$new/logs/$name.log")"
            rm "$secret" "$new/$name/$type.json"
        done
    done
    for name in "${!settings[@]}"; do printf '%s=%s\n' "$name" "${settings[$name]}"; done >"$new/settings"
    mv -T "$new" "$folder"
    trap - EXIT
}

scheme_of() { if [ "$1" = aura ]; then printf sr25519; else printf ed25519; fi; }

# The chain's specification: that of the local test chain, with this network's own validators, account, and block time.
specification() {
    local name authors finalizers bootnodes
    authors=$(for name in "${validators[@]}"; do jq .ss58Address "$1/$name/aura.json"; done | jq -s .)
    finalizers=$(for name in "${validators[@]}"; do jq '[.ss58Address, 1]' "$1/$name/gran.json"; done | jq -s .)
    bootnodes=$(for name in "${validators[@]}"; do
        printf '"/ip4/127.0.0.1/tcp/%s/p2p/%s"\n' "$(port "$name" 0)" "$(<"$1/$name/peer-id")"
    done | jq -s .)
    "$bin/offstage-node" export-chain-spec --chain local 2>/dev/null | jq --argjson authors "$authors" \
        --argjson finalizers "$finalizers" --argjson bootnodes "$bootnodes" --arg account "$(<"$1/operator/account")" \
        --argjson time "${settings[block-time]}" --argjson endowment $ENDOWMENT --arg id "offstage_network_$(date +%s)" '
        .name = "Offstage network on one machine" | .id = $id | .protocolId = $id | .bootNodes = $bootnodes
        | .genesis.runtimeGenesis.patch |= (
            .aura.authorities = $authors | .grandpa.authorities = $finalizers | .blockTime.slotDuration = $time
            | .sudo.key = $account | .balances.balances = [[$account, $endowment]])'
}

# ---- Starting

# Starts a program apart from this terminal: name, command. Its command line has the name's folder, see `process`.
launch() {
    local name=$1
    shift
    started=("$name" "${started[@]}")
    setsid "$@" </dev/null >>"$folder/logs/$name.log" 2>&1 &
    printf '%s' $! >"$folder/run/$name"
    process "$name" >/dev/null || sleep 0.5
}

start_node() {
    # What workers and clients need: every block and its state, and the proof that a block is final as soon as it is.
    local role=(--state-pruning archive --blocks-pruning archive --justification-period 1)
    if [[ $1 == validator* ]]; then role=(--validator --state-pruning 256); fi
    launch "$1" "$bin/offstage-node" --base-path "$folder/$1" --chain "$folder/chain.json" --name "$1" "${role[@]}" \
        --node-key-file "$folder/$1/node.key" --port "$(port "$1" 0)" --rpc-port "$(port "$1" 1)" --rpc-methods safe \
        --no-prometheus --no-telemetry --no-mdns
}

# Runs offstage-worker with the options of a worker: name, command.
worker() {
    local name=$1
    shift
    "$bin/offstage-worker" --data-dir "$folder/$name" --node-port "$(port "archive${name#worker}" 1)" \
        --trusted-worker-port "$(port "$name" 0)" --mu-ra-port "$(port "$name" 1)" \
        --untrusted-http-port "$(port "$name" 2)" --metrics-port "$(port "$name" 3)" --enable-metrics "$@"
}

start_worker() {
    local account balance checks
    account=$(worker "$1" init 2>>"$folder/logs/$1.log") || fail "$1 has no keys: $(tail -n 3 "$folder/logs/$1.log")"
    balance=$(client balance "$account")
    if ((balance < POOR)); then
        say "$1: funding its account $account"
        client transfer "$(<"$folder/operator/account")" "$account" $FUNDS >"$folder/operator/log" 2>&1 \
            || fail "cannot fund it: $(cat "$folder/operator/log")"
    fi
    checks=$(worker "$1" preflight 2>&1) || fail "$1 could not run here:
$checks"
    launch "$1" "$bin/offstage-worker" --data-dir "$folder/$1" --node-port "$(port "archive${1#worker}" 1)" \
        --trusted-worker-port "$(port "$1" 0)" --mu-ra-port "$(port "$1" 1)" \
        --untrusted-http-port "$(port "$1" 2)" --metrics-port "$(port "$1" 3)" --enable-metrics run
}

# Runs `offstage` as the operator. What it keeps stays in the network's folder. Options that are given count before the
# profile's.
client() { as_operator env OFFSTAGE_PROFILE=network "$bin/offstage" "$@"; }

as_operator() {
    (
        cd "$folder/operator"
        unset OFFSTAGE_PROFILE OFFSTAGE_SHARD OFFSTAGE_MRENCLAVE OFFSTAGE_GENESIS OFFSTAGE_CHECKPOINT OFFSTAGE_ROOT
        export XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD
        exec "$@"
    )
}

# What clients have to know of the network.
write_profile() {
    [ -e "$folder/operator/offstage/profiles/network.json" ] || as_operator "$bin/offstage" profile add network \
        --shard "$(shard)" --genesis "$(genesis)" --root development --node-url "ws://127.0.0.1:$(port archive1 1)" \
        --worker-url "wss://127.0.0.1:$(port worker1 0)" >/dev/null
}

shard() { "$bin/offstage-worker" mrenclave; }
genesis() { ask archive1 chain_getBlockHash '[0]' | jq -r .; }

started=()
start() {
    local name
    require_programs
    ((settings[first-port] + 4 * ${#all[@]} < 65536)) || misused "--first-port is too high for ${#all[@]} processes"
    for name in "${all[@]}"; do check_ports "$name"; done
    [ -e "$folder" ] || set_up

    trap stop_and_leave INT TERM
    # What goes wrong stops what this start started, and nothing that ran before.
    trap 'stop_these "${started[@]}" >&2' EXIT
    say "starting the chain: ${#validators[@]} validators, ${#archives[@]} archive nodes"
    for name in "${nodes[@]}"; do process "$name" >/dev/null || start_node "$name"; done
    for name in "${nodes[@]}"; do wait_for "$name" 60 answer answers "$name"; done
    for name in "${archives[@]}"; do wait_for "$name" 180 "see a final block" has_finality "$name"; done
    write_profile
    # One after the other: the first makes the shard's key, and gives it to the others.
    for name in "${workers[@]}"; do
        say "starting $name"
        process "$name" >/dev/null || start_worker "$name"
        wait_for "$name" 300 serve is_ready "$name"
    done
    describe
    if $detach; then
        trap - INT TERM EXIT
        return
    fi
    say "Ctrl-C stops it"
    watch_over
}

require_programs() {
    local program
    for program in offstage-node offstage-worker offstage-enclave offstage; do
        [ -x "$bin/$program" ] || fail "there is no $bin/$program: run \`make build\` first"
    done
    for program in curl jq; do
        command -v $program >/dev/null || fail "there is no $program on this machine: apt-get install $program"
    done
}

# A process that runs has its ports; one that is to be started must find them free.
check_ports() {
    local number
    process "$1" >/dev/null && return
    for number in 0 1 2 3; do
        if [[ $1 != worker* ]] && ((number > 1)); then return; fi
        number=$(port "$1" $number)
        is_taken "$number" && fail "port $number, for $1, is in use by another process: stop it, or choose others with --first-port"
    done
    return 0
}

has_finality() { (($(final_block "$1" 2>/dev/null || printf 0) > 0)); }

describe() {
    say "the network runs
  shard     $(shard)
  genesis   $(genesis)
  node      ws://127.0.0.1:$(port archive1 1)
  workers   $(for name in "${workers[@]}"; do printf 'wss://127.0.0.1:%s ' "$(port "$name" 0)"; done)
  account   $(<"$folder/operator/account"), which has the funds
  logs      $folder/logs
try: scripts/local-network.sh -f $folder client shield-funds $(<"$folder/operator/account") //AliceIncognito 50_000_000_000
     scripts/local-network.sh -f $folder client trusted balance //AliceIncognito"
}

# Says once of each process that ended.
watch_over() {
    local name
    local -A told=()
    while true; do
        for name in "${all[@]}"; do
            if process "$name" >/dev/null; then
                told[$name]=
            elif [ -z "${told[$name]:-}" ]; then
                told[$name]=yes
                say "$name does not run any more; \`start --detach\` in another terminal starts it again. Its log: $folder/logs/$name.log"
            fi
        done
        # In the background, so that Ctrl-C need not wait for its end.
        sleep 2 &
        wait $! || true
    done
}

# ---- Stopping

# Workers first, so that they do not complain of nodes that went away.
stop_all() { stop_these "${workers[@]}" "${archives[@]}" "${validators[@]}"; }

stop_these() {
    local name id
    for name in "$@"; do
        if id=$(process "$name"); then kill -TERM "$id" 2>/dev/null || true; fi
        if [[ $name == worker* ]]; then wait_for_end "$name"; fi
    done
    for name in "$@"; do wait_for_end "$name"; done
}

wait_for_end() {
    local id
    local -i end=$((SECONDS + 30))
    while id=$(process "$1"); do
        if ((SECONDS >= end)); then
            say "$1 did not end within 30 seconds, and is killed"
            kill -KILL "$id" 2>/dev/null || true
        fi
        sleep 0.1
    done
    rm -f "$folder/run/$1"
}

stop_and_leave() {
    trap '' INT TERM
    trap - EXIT
    say "stopping"
    if $detach; then stop_these "${started[@]}"; else stop_all; fi
    exit 130
}

# ---- Looking

status() {
    local name
    for name in "${nodes[@]}"; do
        if ! process "$name" >/dev/null; then
            printf '%-12s does not run\n' "$name"
        elif ! best=$(ask "$name" chain_getHeader | height); then
            printf '%-12s does not answer\n' "$name"
        else
            printf '%-12s block %s, final %s, %s peers\n' "$name" "$best" "$(final_block "$name")" "$(ask "$name" system_health | jq .peers)"
        fi
    done
    for name in "${workers[@]}"; do
        if ! process "$name" >/dev/null; then
            printf '%-12s does not run\n' "$name"
        else
            printf '%-12s %s\n' "$name" "$(health "$name" | jq -r '"\(.phase), block \(.position), \(.blocksBehind) behind\(if .trouble then ", trouble: " + .trouble else "" end)\(if .notice then ", notice: " + .notice else "" end)"' || printf 'does not answer')"
        fi
    done
}

# What the operator's account has at the beginning: 9,000 units of 10^12. More would not come through jq unchanged.
ENDOWMENT=9000000000000000

# What a worker's account gets, and below which balance: 100 and 10 units. docs/src/performance.md has the fees.
FUNDS=100000000000000
POOR=10000000000000

case $command in
start)
    ((${#names[@]} == 0)) || misused "start takes no names: it starts all that does not run"
    recall
    start
    ;;
status)
    require_network
    recall
    status
    ;;
stop)
    require_network
    recall
    for name in "${names[@]}"; do require_name "$name"; done
    if ((${#names[@]})); then stop_these "${names[@]}"; else stop_all; fi
    ;;
logs)
    require_network
    recall
    for name in "${names[@]}"; do require_name "$name"; done
    for name in "${names[@]:-${all[@]}}"; do tail -n 20 "$folder/logs/$name.log" | sed "s/^/$name: /"; done
    ;;
client)
    require_network
    recall
    require_programs
    [ -d "$folder/operator/offstage" ] || fail "the network in $folder has not been started yet"
    client "$@"
    ;;
*) misused "unknown command \`$command\`" ;;
esac
