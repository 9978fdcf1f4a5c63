#!/usr/bin/env bash
# Runs a throw-away PostgreSQL on 127.0.0.1 for as long as its standard input is open: it ends, with all that it stored, when whoever
# started it ends. Wants what install.sh installs. Commits wait for the disk, as they do by default.
#
#   eng/test-deps/postgres.sh DIR PORT
#
# DIR is made, and removed at the end. One line "ready" is written when the user warp with the password warp can connect. From then on each
# line that is read is a command, answered with a line "done":
#   stop     ends it as a crash does, without a checkpoint: the next start has to recover
#   start    starts it again
#   pause    stops all its processes where they are
#   resume   lets them go on
set -euo pipefail

dir=$1
port=$2

bin=$(compgen -G "/usr/lib/postgresql/*/bin" | sort -V | tail -n 1) || true
[[ -n $bin && -x $bin/postgres ]] || {
  echo "postgres.sh: PostgreSQL is missing: run eng/test-deps/install.sh" >&2
  exit 1
}

mkdir -p "$dir"
dir=$(realpath "$dir")
chmod 700 "$dir"
# It refuses to run as root.
as_owner=()
if [[ $(id -u) -eq 0 ]]; then
  chown postgres "$dir"
  as_owner=(runuser -u postgres --)
fi
cd "$dir"

ctl() { "${as_owner[@]}" "$bin/pg_ctl" -D "$dir/data" "$@" </dev/null >>"$dir/pg_ctl.log" 2>&1; }

processes() {
  local postmaster
  postmaster=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) || return 0
  echo "$postmaster"
  cat "/proc/$postmaster/task/$postmaster/children" 2>/dev/null || true
}

signal() { # shellcheck disable=SC2046
  kill "-$1" $(processes) 2>/dev/null || true
}

finish() {
  trap - EXIT INT TERM
  signal CONT
  ctl -m immediate -w stop || true
  cd /
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

start() {
  ctl -w -t 60 -l "$dir/log" start || {
    tail -n 20 "$dir/log" "$dir/pg_ctl.log" >&2
    echo "postgres.sh: PostgreSQL did not come up" >&2
    exit 1
  }
}

"${as_owner[@]}" touch "$dir/log"
echo warp >"$dir/password"
chmod 644 "$dir/password"
"${as_owner[@]}" "$bin/initdb" -D "$dir/data" -U warp --auth=scram-sha-256 --pwfile="$dir/password" --encoding=UTF8 --locale=C.UTF-8 \
  >"$dir/initdb.log" 2>&1 || {
  cat "$dir/initdb.log" >&2
  exit 1
}
cat >>"$dir/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = 300
shared_buffers = 64MB
END
start

echo ready
while read -r command; do
  case $command in
    stop) ctl -m immediate -w stop ;;
    start) start ;;
    pause) signal STOP ;;
    resume) signal CONT ;;
    *)
      echo "postgres.sh: no such command: $command" >&2
      exit 1
      ;;
  esac
  echo "done"
done
