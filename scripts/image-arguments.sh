#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Refuses build arguments of the images that ask for what Offstage does not have, so that nobody gets an image that is less
# than they think: scripts/image-arguments.sh WORKER_MODE SGX_MODE FEATURES. Run by build.Dockerfile.
set -eu

refuse() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

[ "$1" = offchain-worker ] \
    || refuse "WORKER_MODE_ARG=$1 is not supported: Offstage runs off-chain workers only; use WORKER_MODE_ARG=offchain-worker or leave it out"
[ "$2" = SW ] \
    || refuse "SGX_MODE=$2 is not supported: there is no SGX platform yet, only the software platform, which protects nothing from its host; use SGX_MODE=SW or leave it out"
[ -z "$3" ] \
    || refuse "ADDITIONAL_FEATURES_ARG=$3 is not supported: the worker has no features to choose from; leave it out"
