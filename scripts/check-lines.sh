#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lines of Rust end within 120 columns. rustfmt leaves comments and strings as they are, so this looks at them: `make fmt`.
# A row of a table has to be one line.
set -euo pipefail
# Columns, not bytes.
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."
if long=$(git grep -nE '^.{121,}$' -- '*.rs' | grep -vE '^[^:]+:[0-9]+: *//[/!] \|'); then
    printf 'longer than 120 columns:\n%s\n' "$long" >&2
    exit 1
fi
