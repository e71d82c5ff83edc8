#!/bin/sh
# Runs a command with the node 24 that npm has brought for this platform, or with the caller's own where it has none.
# By a script and not by node_modules/.bin/node: npm 10 removes that link together with the other platform's package.
for bin in "$(dirname "$0")"/../node_modules/node-linux-*/bin; do
  if "$bin/node" --version >/dev/null 2>&1; then
    PATH=$(cd "$bin" && pwd):$PATH
    export PATH
  fi
done
if ! node -e 'process.exit(process.versions.node.split(".")[0] >= 24 ? 0 : 1)' 2>/dev/null; then
  echo "Counterfoil needs node 24, which npm has not brought for this platform: install it, or run npm ci again without --omit=optional." >&2
  exit 1
fi
exec "$@"
