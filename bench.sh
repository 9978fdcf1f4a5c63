#!/usr/bin/env bash
# Builds the benchmarks and runs them, on a folder of the system's temporary place.
#   ./bench.sh [--scenario NAME...] [--runs N] [--folder FOLDER] [--json] [--strict] [--list]
#   ./bench.sh --micro [FILTER]
# Without --scenario: all of Warp.Bench/scenarios. Results go to standard output, progress to standard error. The exit code tells of criteria
# that are not met only with --strict. FILTER is a part of a micro-benchmark's name, such as Crc32C.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
build() { dotnet build "$1" --configuration Release --verbosity quiet </dev/null >&2; }

if [[ ${1:-} == --micro ]]; then
  build Warp.Bench.Micro
  exec dotnet Warp.Bench.Micro/bin/Release/net10.0/Warp.Bench.Micro.dll --filter "*${2:-}*"
fi

# The client of the mock broker's yardstick; says nothing when it is there.
eng/test-deps/install.sh >&2
eng/test-deps/librdkafka.sh >&2
build Warp.Bench
exec dotnet Warp.Bench/bin/Release/net10.0/Warp.Bench.dll scenarios "$@"
