#!/bin/sh
# Runs a command with the Node 24 that npm installed for this platform, or with the caller's own where there is none.
# By a script and not by node_modules/.bin/node: npm 10 removes that link together with the other platform's package.
modules=$(dirname "$0")/../node_modules
# npm writes this file last, so it is also missing after an installation that stopped half-way.
if [ ! -f "$modules/.package-lock.json" ]; then
  echo "Counterfoil's packages are not installed: run npm ci first." >&2
  exit 1
fi
for bin in "$modules"/node-linux-*/bin; do
  if "$bin/node" --version >/dev/null 2>&1; then
    PATH=$(cd "$bin" && pwd):$PATH
    export PATH
  fi
done
if ! node -e 'process.exit(process.versions.node.split(".")[0] >= 24 ? 0 : 1)' 2>/dev/null; then
  echo "Counterfoil needs Node 24: install it, or run npm ci again without --omit=optional." >&2
  exit 1
fi
exec "$@"
