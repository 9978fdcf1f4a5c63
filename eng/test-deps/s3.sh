#!/usr/bin/env bash
# Runs a throw-away S3 server (Ceph's RADOS Gateway over one monitor and one OSD in memory) on 127.0.0.1 for as long as its standard
# input is open: it ends, with all that it stored, when whoever started it ends. Wants what install.sh installs.
#
#   eng/test-deps/s3.sh DIR PORT
#
# DIR is made, and removed at the end. The gateway listens on PORT, the daemons behind it on the ten ports that follow. One line "ready"
# is written when it takes requests from the user warp-test with the secret warp-test-secret; there are no buckets yet.
set -euo pipefail

dir=$1
port=$2
conf=$dir/ceph.conf
mkdir -p "$dir"/{mon,osd,rgw,log}
dir=$(realpath "$dir")

for program in ceph-mon ceph-osd radosgw radosgw-admin monmaptool ceph; do
  command -v "$program" >/dev/null || {
    echo "s3.sh: $program is missing: run eng/test-deps/install.sh" >&2
    exit 1
  }
done

cluster=$(cat /proc/sys/kernel/random/uuid)
cat >"$conf" <<END
[global]
fsid = $cluster
mon initial members = a
mon host = [v2:127.0.0.1:$((port + 1))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms bind port min = $((port + 2))
ms bind port max = $((port + 10))
# The daemons trust each other without keys. The gateway would insist on an encrypted channel, which needs keys, but for the fourth line.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
keyring = $dir/none
run dir = $dir
crash dir = $dir/log
log file = $dir/log/\$name.log
admin socket =

[mon]
mon data = $dir/mon
mon cluster log file = $dir/log/cluster.log
mon data avail warn = 1
mon data avail crit = 1
mon allow pool size one = true
# Pools are made one decision after the other: do not wait between them.
paxos propose interval = 0.05
paxos min wait = 0.01
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0

[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = $((4 << 30))
osd op num shards = 2
osd op num threads per shard = 1

[client.rgw.a]
rgw data = $dir/rgw
# Otherwise every small answer waits 40 ms for an acknowledgement.
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw thread pool size = 64
rgw run sync thread = false
# Deleted objects take memory until they are collected.
rgw gc obj min wait = 5
rgw gc processor period = 5
END

daemons=()
finish() {
  trap - EXIT INT TERM
  # The gateway takes long to shut down, and nothing here is to be kept.
  [[ ${#daemons[@]} -eq 0 ]] || kill -KILL "${daemons[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

run() { # run NAME COMMAND...
  local name=$1
  shift
  "$@" </dev/null >"$dir/log/$name.out" 2>&1 &
  daemons+=($!)
}

# until_true WHAT COMMAND...; fails when a daemon has ended meanwhile, and after a minute
until_true() {
  local what=$1 end=$((SECONDS + 60)) pid
  shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${daemons[@]}"; do
      kill -0 "$pid" 2>/dev/null || SECONDS=$end
    done
    if [[ $SECONDS -ge $end ]]; then
      tail -n 20 "$dir"/log/*.out >&2
      echo "s3.sh: $what did not come up" >&2
      exit 1
    fi
    sleep 0.1
  done
}

monmaptool --create --clobber --fsid "$cluster" --addv a "[v2:127.0.0.1:$((port + 1))]" "$dir/monmap" >/dev/null
ceph-mon -c "$conf" --mkfs -i a --monmap "$dir/monmap" --keyring /dev/null
run mon ceph-mon -f -c "$conf" -i a
osd=$(cat /proc/sys/kernel/random/uuid)
until_true "the monitor" ceph -c "$conf" --connect-timeout 5 osd new "$osd"
ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd" >"$dir/log/mkfs.out" 2>&1
run osd ceph-osd -f -c "$conf" -i 0
osd_is_up() { ceph -c "$conf" --connect-timeout 5 osd stat | grep -q ' 1 up'; }
until_true "the OSD" osd_is_up
run rgw radosgw -f -c "$conf" -n client.rgw.a
listens() { : </dev/tcp/127.0.0.1/"$port"; }
until_true "the gateway" listens
radosgw-admin -c "$conf" -n client.rgw.a user create --uid=warp-test --display-name=warp-test \
  --access-key=warp-test --secret-key=warp-test-secret >/dev/null 2>"$dir/log/user.out"

echo ready
cat >/dev/null
