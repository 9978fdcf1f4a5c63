#!/usr/bin/env bash
# Runs a whole cluster on this machine: PostgreSQL, and N nodes that share a folder as their store. For trying things out: everything is on one
# disk. Ctrl+C ends all of it.
#
#   deploy/local-cluster.sh [N] [OPTION...]        N is the number of nodes, 3 if it is not given
#
#   --dir DIR          keeps the data in DIR, for the next time; without it, it lies in a temporary folder that goes at the end
#   --base-port P      ports from P on: Kafka P, P+1, …; node to node P+100, …; HTTP P+200, …; PostgreSQL P+300.
#                      Without it: Kafka from 9092 on, node to node from 9192 on, HTTP from 9644 on, PostgreSQL 15432
#   --zones a,b        nodes take turns in these zones; clients name theirs by client.id (warp_az=a)
#   --set KEY=VALUE    a setting of all nodes; may be repeated
#   --warp PATH        the warp program (or warp.dll) to run; without it, it is built
#
# Needs PostgreSQL's server programs (Debian: apt-get install postgresql) and the .NET 10 SDK. As root, PostgreSQL runs as the user postgres.
set -euo pipefail

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

fail() {
  echo "local-cluster: $1" >&2
  exit "${2:-1}"
}

count=3
dir=
keep=true
kafka=9092 rpc=9192 http=9644 postgres=15432
zones=()
settings=()
warp=
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --dir | --base-port | --zones | --set | --warp)
      [[ $# -ge 2 ]] || fail "$1 needs a value; --help shows how" 2
      case $1 in
        --dir) dir=$2 ;;
        --base-port)
          [[ $2 =~ ^[0-9]+$ ]] || fail "--base-port $2 is no number" 2
          kafka=$2 rpc=$(($2 + 100)) http=$(($2 + 200)) postgres=$(($2 + 300))
          ;;
        --zones) IFS=, read -ra zones <<<"$2" ;;
        --set) settings+=(--set "$2") ;;
        --warp) warp=$2 ;;
      esac
      shift
      ;;
    *)
      [[ $1 =~ ^[1-9][0-9]?$ ]] || fail "'$1' is neither a number of nodes (1 to 99) nor an option; --help shows how" 2
      count=$1
      ;;
  esac
  shift
done

bin=$(compgen -G "/usr/lib/postgresql/*/bin" | sort -V | tail -n 1) || true
[[ -n $bin ]] || bin=$(dirname "$(command -v postgres || true)")
[[ -x $bin/postgres && -x $bin/initdb ]] || fail "PostgreSQL's server programs are missing (Debian: apt-get install postgresql)"

if [[ -z $dir ]]; then
  dir=$(mktemp -d)
  keep=false
fi
mkdir -p "$dir"
dir=$(realpath "$dir")

nodes=()
has_postgres=false
ending=false

# PostgreSQL refuses to run as root; it gets a folder of its own, and may pass through the one above it.
database=$dir/postgres
as_postgres=()
if [[ $(id -u) -eq 0 ]]; then
  id postgres >/dev/null 2>&1 || fail "there is no user postgres to run PostgreSQL as"
  as_postgres=(runuser -u postgres --)
fi
pg() { (cd "$database" && exec "${as_postgres[@]}" "$@"); }

finish() {
  local status=$?
  ending=true
  trap - EXIT
  trap '' INT TERM
  if [[ ${#nodes[@]} -gt 0 ]]; then
    echo "Ending ${#nodes[@]} nodes and PostgreSQL."
    kill -TERM "${nodes[@]}" 2>/dev/null || true
    wait "${nodes[@]}" 2>/dev/null || true
  fi
  if $has_postgres; then
    pg "$bin/pg_ctl" -D "$database/data" -m fast -w stop >/dev/null 2>&1 || true
  fi
  $keep || rm -rf "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 0' INT TERM

if [[ -z $warp ]]; then
  echo "Building warp."
  dotnet publish "$(dirname "${BASH_SOURCE[0]}")/../Warp.Node" --configuration Release --output "$dir/bin" --verbosity quiet --nologo </dev/null
  warp=$dir/bin/warp
fi
case $warp in
  *.dll) run=(dotnet "$(realpath "$warp")") ;;
  *) run=("$(realpath "$warp")") ;;
esac
# What is set for other nodes in this shell is not meant for these.
for name in $(compgen -e | grep '^WARP_' || true); do unset "$name"; done

secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

mkdir -p "$database" "$dir/objects"
if [[ ${#as_postgres[@]} -gt 0 ]]; then
  chmod a+x "$dir"
  chown postgres "$database"
fi
chmod 700 "$database"
if [[ ! -e $dir/password ]]; then
  (umask 077 && secret >"$dir/password" && secret >"$dir/cluster-secret")
fi
export WARP_JOURNAL_PASSWORD WARP_CLUSTER_SECRET
WARP_JOURNAL_PASSWORD=$(<"$dir/password")
WARP_CLUSTER_SECRET=$(<"$dir/cluster-secret")
if [[ ! -e $database/data/PG_VERSION ]]; then
  (umask 077 && pg tee "$database/password" <"$dir/password" >/dev/null)
  pg "$bin/initdb" -D "$database/data" -U warp --auth=scram-sha-256 --pwfile="$database/password" --encoding=UTF8 --locale=C \
    </dev/null >"$dir/initdb.log" 2>&1 || {
    cat "$dir/initdb.log" >&2
    fail "initdb failed"
  }
  rm "$database/password"
fi
pg "$bin/pg_ctl" -D "$database/data" -l "$database/log" -w -t 60 start \
  -o "-c listen_addresses=127.0.0.1 -c port=$postgres -c unix_socket_directories='' -c max_connections=300" </dev/null >/dev/null || {
  pg tail -n 20 "$database/log" >&2
  fail "PostgreSQL did not start on port $postgres"
}
has_postgres=true

is_ready() { # PORT
  local line
  exec {socket}<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET /readyz HTTP/1.0\r\n\r\n' >&"$socket"
  IFS= read -r line <&"$socket" || line=
  exec {socket}>&-
  [[ $line == *" 200 "* ]]
} 2>/dev/null

for ((i = 0; i < count; i++)); do
  zone=()
  [[ ${#zones[@]} -eq 0 ]] || zone=(--set "warp.node.zone=${zones[i % ${#zones[@]}]}")
  # In a session of its own: Ctrl+C is for this script, which ends the nodes before the database.
  setsid "${run[@]}" node \
    --set "warp.node.id=$((i + 1))" \
    --set "warp.kafka.listen=127.0.0.1:$((kafka + i))" \
    --set "warp.rpc.listen=127.0.0.1:$((rpc + i))" \
    --set "warp.http.listen=127.0.0.1:$((http + i))" \
    --set "warp.journal.url=postgres://warp@127.0.0.1:$postgres/postgres" \
    --set "warp.store.url=file:$dir/objects" \
    "${zone[@]}" "${settings[@]}" </dev/null >"$dir/node-$((i + 1)).log" 2>&1 &
  nodes+=($!)
done
for ((i = 0; i < count; i++)); do
  for ((tries = 0; ; tries++)); do
    ! is_ready $((http + i)) || break
    kill -0 "${nodes[i]}" 2>/dev/null || {
      tail -n 5 "$dir/node-$((i + 1)).log" >&2
      fail "node $((i + 1)) did not start"
    }
    [[ $tries -lt 600 ]] || fail "node $((i + 1)) is not ready after a minute; see $dir/node-$((i + 1)).log"
    sleep 0.1
  done
done

bootstrap=$(for ((i = 0; i < count; i++)); do printf '%s127.0.0.1:%d' "${sep:-}" $((kafka + i)) && sep=,; done)
warp_words=${run[*]}
cat <<END
$count nodes are ready.

  bootstrap.servers   $bootstrap
  operators           $warp_words ctl cluster show --node 127.0.0.1:$http
  logs                $dir/node-*.log
  PostgreSQL          postgres://warp@127.0.0.1:$postgres/postgres (password: $dir/password)
  pids                ${nodes[*]}

Ctrl+C ends all of it$($keep || echo ' and deletes the data').
END

left=$count
while [[ $left -gt 0 ]]; do
  ended=
  status=0
  # The shell would tell of a node that was killed in its own words.
  { wait -n -p ended "${nodes[@]}" || status=$?; } 2>/dev/null
  $ending && break
  for ((i = 0; i < ${#nodes[@]}; i++)); do
    if [[ ${nodes[i]} == "$ended" ]]; then
      echo "The node with pid $ended has ended ($status)."
      unset 'nodes[i]'
      nodes=("${nodes[@]}")
      break
    fi
  done
  left=${#nodes[@]}
done
fail "no node is left"
