#!/usr/bin/env bash
# Builds the librdkafka that goes with the tests' Confluent.Kafka package into .test-deps/librdkafka; nothing to do when it is there.
# The source travels inside an npm package. Wants what install.sh installs.
set -euo pipefail

carrier=@confluentinc/kafka-javascript@1.10.1 # librdkafka 2.15.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=$root/.test-deps/librdkafka
[[ $(cat "$target/built-from" 2>/dev/null) != "$carrier" ]] || exit 0

echo "Building librdkafka for the tests (from $carrier)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
fail() {
  tail -n 30 "$log" >&2
  echo "librdkafka.sh: $1 failed" >&2
  exit 1
}

cd "$work"
npm pack --silent "$carrier" >"$log" 2>&1 </dev/null || fail "the download by npm"
tar -xzf ./*.tgz package/deps/librdkafka
cd package/deps/librdkafka
# lz4 is bundled with librdkafka. Without curl only the fetching of OIDC tokens is lost, which no test asks for.
./configure --prefix="$work/out" --disable-curl --disable-lz4-ext --disable-debug-symbols >"$log" 2>&1 </dev/null || fail configure
make -s -j "$(nproc)" -C src lib >"$log" 2>&1 || fail "the compilation"
make -s -C src install >"$log" 2>&1 || fail "the installation"

# The finished tree appears at once, so that an interrupted build leaves nothing that looks whole.
echo "$carrier" >"$work/out/built-from"
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$work/out" "$target"
