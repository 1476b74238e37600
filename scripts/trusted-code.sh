#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the generated parts of docs/src/trusted-code.md anew: lines, dependencies and packages of the trusted code.
# Look at the difference and commit it with the change that caused it.
set -euo pipefail
cd "$(dirname "$0")/.."

# With the whole workspace selected Cargo finds what `make` compiled.
UPDATE=1 scripts/in-target.sh cargo test --release --locked --quiet --workspace --test trusted_code the_page_is_what_the_workspace_says
git --no-pager diff --stat -- docs/src/trusted-code.md
