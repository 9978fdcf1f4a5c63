#!/usr/bin/env bash
# Installs what the tests have from npm (a Kafka client, an Azure Blob service) into .test-deps/node; nothing to do when it is there. Wants what install.sh installs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/../../.test-deps/node
! cmp -s "$here/node/package-lock.json" "$target/package-lock.json" || exit 0

echo "Installing kafkajs and Azurite for the tests"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/node"
cp "$here"/node/package*.json "$work/node"
# None of the packages has anything to compile, so that none needs its scripts.
npm ci --prefix "$work/node" --ignore-scripts --no-audit --no-fund >"$work/log" 2>&1 </dev/null || {
  tail -n 30 "$work/log" >&2
  echo "node.sh: npm could not install kafkajs and Azurite" >&2
  exit 1
}

# The finished tree appears at once, so that an interrupted installation leaves nothing that looks whole.
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$work/node" "$target"
