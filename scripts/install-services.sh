#!/usr/bin/env bash
# Installs what the tests need beside Node: a browser, Python with its Redis client, Redis, and Go, whose templates ours
# are held against. Debian or Ubuntu, as root.
set -euo pipefail
missing=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium)
command -v python3 >/dev/null || missing+=(python3)
# Debian's own Python is the one that has Debian's packages.
/usr/bin/python3 -c 'import redis' 2>/dev/null || missing+=(python3-redis)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v go >/dev/null || missing+=(golang-go)
[ ${#missing[@]} -gt 0 ] || exit 0
apt-get update -qq
# Tests start services of their own, on free ports: the packages' own need not run.
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
