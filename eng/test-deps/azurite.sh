#!/usr/bin/env bash
# Runs a throw-away Azure Blob service (Azurite, in memory) on 127.0.0.1 for as long as its standard input is open: it ends when whoever
# started it ends. Wants what install.sh and node.sh install.
#
#   eng/test-deps/azurite.sh PORT
#
# One line "ready" is written when it takes requests. The account is the one that Azurite and every Azure SDK know, devstoreaccount1.
set -euo pipefail

port=$1
server=$(dirname "${BASH_SOURCE[0]}")/../../.test-deps/node/node_modules/azurite/dist/src/blob/main.js
[[ -f $server ]] || {
  echo "azurite.sh: Azurite is missing: run eng/test-deps/node.sh" >&2
  exit 1
}

log=$(mktemp)
node "$server" --blobHost 127.0.0.1 --blobPort "$port" --inMemoryPersistence --silent --disableTelemetry --skipApiVersionCheck \
  </dev/null >"$log" 2>&1 &
pid=$!
finish() {
  trap - EXIT INT TERM
  kill -KILL "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -f "$log"
}
trap finish EXIT
trap 'exit 1' INT TERM

end=$((SECONDS + 60))
until (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do
  if ! kill -0 "$pid" 2>/dev/null || [[ $SECONDS -ge $end ]]; then
    cat "$log" >&2
    echo "azurite.sh: Azurite did not come up" >&2
    exit 1
  fi
  sleep 0.1
done

echo ready
cat >/dev/null
