#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the images of build.Dockerfile without a daemon, looks at them, and runs the demo from them: scripts/images.sh
# [--no-demo] [--programs FOLDER]. `make images`.
#
# Needs root, and installs buildah, debootstrap and what the demo needs. Where Docker's registry cannot be reached, it makes
# the base image from the distribution's packages. Certificate authorities of this machine (/usr/local/share/ca-certificates)
# count while it builds, and get into no image.
#
# --programs FOLDER takes programs that are compiled already, as `make` leaves them in bin/, in the place of compiling them in
# a container: in minutes instead of an hour, on a machine whose C library is not newer than the image's. What such a worker
# measures is that build's, not the one of docs/src/reproducible-build.md.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly BASE=docker.io/library/debian:trixie-slim
readonly MAX_WORKER_MB=150
readonly TARGETS=(client worker node)

programs='' demo=yes
while [ $# -gt 0 ]; do
    case $1 in
    --no-demo) demo='' ;;
    --programs) programs=$(realpath "$2"); shift ;;
    *) sed -n 's/^# \[--no-demo\]/usage: scripts\/images.sh [--no-demo]/p' "$0" >&2; exit 2 ;;
    esac
    shift
done

say() { printf 'images: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

[ "$(id -u)" = 0 ] || fail "needs root, to build in a changed root and to connect the demo's processes: sudo scripts/images.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

packages() {
    dpkg-query -W "$@" >/dev/null 2>&1 && return 0
    say "installing packages: $*"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$scratch/apt.log" 2>&1 \
        || fail "cannot install $*: $(tail -3 "$scratch/apt.log")"
}

# What Docker's image of this name has: the distribution's smallest system, without documentation.
base_from_packages() {
    local root=$scratch/base container
    say "making $BASE from the distribution's packages"
    debootstrap --variant=minbase trixie "$root" http://deb.debian.org/debian >"$scratch/debootstrap.log" 2>&1 \
        || fail "debootstrap: $(tail -3 "$scratch/debootstrap.log")"
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,info,lintian,locale,man}/*
    tar -C "$root" -cf "$scratch/base.tar" .
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$scratch/base.tar" / >/dev/null
    buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd bash "$container"
    buildah commit --quiet --rm "$container" "$BASE" >/dev/null
    rm -rf "$root" "$scratch/base.tar"
}

# build.Dockerfile with programs of a folder in the place of those that its stages compile.
with_programs() {
    awk '
        /^FROM / { skip = 0 }
        /^FROM .* AS [a-z]+-dependencies$/ { skip = 1 }
        /^FROM .* AS [a-z]+-build$/ {
            print "FROM ${BASE} AS " $NF
            print "COPY " $NF "/ /out/"
            skip = 1
        }
        !skip
    ' build.Dockerfile
}

build() {
    local target=$1 context=.
    shift
    if [ -n "$programs" ]; then
        context=$scratch/context
        if [ ! -d "$context" ]; then
            mkdir -p "$context"/{client,worker,node}-build
            cp -r --parents scripts rust-toolchain.toml "$context"
            install -t "$context/client-build" "$programs/offstage"
            install -t "$context/worker-build" "$programs/offstage-worker" "$programs/offstage-enclave"
            install -t "$context/node-build" "$programs/offstage-node"
            with_programs >"$scratch/build.Dockerfile"
        fi
    fi
    buildah bud --isolation chroot --pull-never --layers --force-rm --format docker \
        --volume /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro --ignorefile .dockerignore \
        --file "${programs:+$scratch/}build.Dockerfile" --target "$target" "$@" "$context"
}

# Fails when an image is not what the manual says.
check() {
    local target=$1 container root size config
    container=$(buildah from --pull-never "localhost/offstage-$target")
    root=$(buildah mount "$container")
    size=$(du -s --block-size=1000000 "$root" | cut -f1)
    buildah umount "$container" >/dev/null
    config=$(buildah inspect --format '{{.Docker.Config.User}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.Healthcheck}}' "$container")
    buildah rm "$container" >/dev/null
    say "offstage-$target: $size MB, user ${config%% *}"
    [[ $config = 10001:10001\ * ]] || fail "offstage-$target runs as another user: $config"
    [ "$target" = client ] || [[ $config = *http-ok* ]] || fail "offstage-$target has no health check: $config"
    [ "$target" != worker ] || [ "$size" -lt $MAX_WORKER_MB ] || fail "offstage-worker has $size MB; $MAX_WORKER_MB are the limit"
}

packages buildah debootstrap iproute2 python3-yaml python3-jsonschema ca-certificates
if ! buildah inspect --type image "$BASE" >/dev/null 2>&1; then
    timeout 120 buildah pull --quiet "$BASE" >/dev/null 2>&1 || base_from_packages
fi

# Buildah may end before it has printed the last lines of a step that fails at once, so a refusal without its reason is asked for
# again. An argument that is taken fails the first time.
for argument in WORKER_MODE_ARG=sidechain SGX_MODE=HW ADDITIONAL_FEATURES_ARG=dcap; do
    for _ in 1 2 3; do
        if build deployed-worker --build-arg "$argument" >"$scratch/refused.log" 2>&1; then fail "$argument is not refused"; fi
        reason=$(grep -m 1 '^error: .*is not supported' "$scratch/refused.log") && break
    done
    [ -n "$reason" ] || fail "$argument: $(tail -3 "$scratch/refused.log")"
    say "$reason"
done

[ -z "$programs" ] || say "taking the programs of $programs; nothing is compiled in a container"
for target in "${TARGETS[@]}"; do
    begun=$SECONDS
    build "deployed-$target" --build-arg WORKER_MODE_ARG=offchain-worker --tag "localhost/offstage-$target" >"$scratch/$target.log" 2>&1 \
        || fail "deployed-$target: $(tail -20 "$scratch/$target.log")"
    say "deployed-$target built in $((SECONDS - begun)) s"
    check "$target"
done

[ -z "$demo" ] || scripts/images-demo.py
