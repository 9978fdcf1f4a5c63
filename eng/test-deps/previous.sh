#!/usr/bin/env bash
# Builds the node of an earlier version, of the feature level before this one's, into .test-deps/previous; nothing to do when it is there. The tests
# run it beside nodes of this version. It comes from this repository's history; where that is not there (a source archive, a shallow clone that cannot be
# deepened), the test that wants it says so and is skipped.
set -euo pipefail

previous=0ead3e24d6b9ea53dcd8c4be59991ecfb0edc4e3 # the last commit of feature level 1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=$root/.test-deps/previous
[[ $(cat "$target/built-from" 2>/dev/null) != "$previous" ]] || exit 0

there() { git -C "$root" cat-file -e "$previous^{commit}" 2>/dev/null; }
if ! there; then
  git -C "$root" fetch --quiet --unshallow >/dev/null 2>&1 </dev/null || true
  if ! there; then
    echo "previous.sh: commit $previous is not in this clone's history; the test of rolling upgrades will be skipped" >&2
    exit 0
  fi
fi

echo "Building the previous version for the tests (commit $previous)"
mkdir -p "$root/.test-deps"
work=$(mktemp -d "$root/.test-deps/previous.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
git -C "$root" archive "$previous" | tar -x -C "$work/source"
if ! dotnet publish "$work/source/Warp.Node" --configuration Release --output "$work/out" --verbosity quiet >"$work/log" 2>&1 </dev/null; then
  tail -n 30 "$work/log" >&2
  echo "previous.sh: the build failed" >&2
  exit 1
fi

# The finished folder appears at once, so that an interrupted build leaves nothing that looks whole.
echo "$previous" >"$work/out/built-from"
rm -rf "$target"
mv "$work/out" "$target"
