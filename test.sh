#!/usr/bin/env bash
# Builds the solution and runs its tests.
#   ./test.sh [--long] [FILTER...]
# --long runs the long checks whole instead of a sample of them. A FILTER is a part of a test class's full name, such as Clients.Kcat.
# The last line is "N passed, N failed, N skipped"; the exit code is 0 only if tests ran and none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

results=$PWD/TestResults/specs.xml
rm -f "$results"

# The counts come from the result file; without one nothing was tested, which is a failure.
summary() {
  local status=$? total passed failed errors skipped
  count() { sed -n "0,/<assembly /s/.*<assembly [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" "$results" 2>/dev/null || true; }
  total=$(count total) passed=$(count passed) failed=$(count failed) errors=$(count errors) skipped=$(count skipped)
  failed=$((${failed:-0} + ${errors:-0}))
  if [[ ${total:-0} -eq 0 || ($status -ne 0 && $failed -eq 0) ]]; then
    failed=$((failed + 1))
  fi
  [[ $failed -eq 0 || $status -ne 0 ]] || status=1
  echo "${passed:-0} passed, $failed failed, ${skipped:-0} skipped"
  exit "$status"
}
trap summary EXIT

filters=()
for argument; do
  case $argument in
    --long) export WARP_LONG=1 ;;
    -*)
      echo "usage: ./test.sh [--long] [FILTER...]" >&2
      exit 2
      ;;
    *) filters+=(-class "*$argument*") ;;
  esac
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
eng/test-deps/install.sh
eng/test-deps/librdkafka.sh
eng/test-deps/node.sh
eng/test-deps/previous.sh
dotnet build Warp.sln --configuration Release --verbosity quiet </dev/null
mkdir -p "$(dirname "$results")"
dotnet Warp.Specs/bin/Release/net10.0/Warp.Specs.dll -noColor -xml "$results" "${filters[@]}" </dev/null
