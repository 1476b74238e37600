# SPDX-License-Identifier: Apache-2.0
# Read by the scripts that install something: how they speak, and how they install packages of the distribution. They
# set OFFSTAGE_CACHE, the folder of the log, before.

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "needs root to run: $* (install sudo, or run this line as root and try again)"; fi
}

# Installs those of the named distribution packages that are missing.
packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || fail "install these packages with your package manager: ${missing[*]}"
    say "installing packages: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$OFFSTAGE_CACHE/apt.log" 2>&1 && return 0
    as_root apt-get update >>"$OFFSTAGE_CACHE/apt.log" 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >>"$OFFSTAGE_CACHE/apt.log" 2>&1 \
        || fail "could not install ${missing[*]}; see $OFFSTAGE_CACHE/apt.log"
}
