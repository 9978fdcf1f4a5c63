#!/usr/bin/env bash
# Installs the Debian packages that the tests need, if any is missing; quiet when none is.
# apt is asked once, for all of them. Needs root, or sudo, only when something is missing.
set -euo pipefail

packages=(
  kcat librdkafka1 # a C client: the command line tool, and the library in the version that Debian carries
  python3-confluent-kafka # the same library under Python
  python3-kafka python3-lz4 python3-snappy python3-zstandard # a client written in Python, and the codecs that it takes from elsewhere
  ceph-mon ceph-osd radosgw # an S3 server, run by s3.sh
  gcc g++ make zlib1g-dev libzstd-dev libssl-dev libsasl2-dev # what librdkafka.sh compiles with
)
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || packages+=(postgresql) # a database server, run by postgres.sh
command -v npm >/dev/null || packages+=(nodejs npm) # runs kafkajs and Azurite; librdkafka.sh and node.sh get theirs by npm

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || {
    echo "install.sh: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi

echo "Installing for the tests: ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt update && apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || {
  tail -n 30 "$log" >&2
  echo "install.sh: apt could not install: ${missing[*]}" >&2
  exit 1
}
