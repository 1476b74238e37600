#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the JavaScript tests need: Node.js with npm where a machine has none, and the packages that the
# package-lock.json of each folder in tests/javascript pins. Safe to run again. Packages run no scripts of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

OFFSTAGE_CACHE=${OFFSTAGE_CACHE:-$HOME/.cache/offstage}
mkdir -p "$OFFSTAGE_CACHE"
. scripts/packages.sh

is_new_enough() { node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; }

if ! is_new_enough || ! command -v npm >/dev/null; then
    packages nodejs npm
    is_new_enough || fail "the tests need Node.js 18 or newer, and this is $(node --version): install a newer one from https://nodejs.org"
fi

for folder in tests/javascript/*/; do
    if [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then continue; fi
    say "installing the packages of $folder (about 150 MB)"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund >"$OFFSTAGE_CACHE/npm.log" 2>&1 \
        || fail "could not install the packages of $folder; see $OFFSTAGE_CACHE/npm.log"
done
