# shellcheck shell=bash disable=SC2154  # repo, state, port, ... are the variables of ./run
# The steps of ./run. Errors end the script; finish() stops what was started and shows the logs.

daemon_pid='' agent_pid=''

say() { printf '\n== %s\n' "$*"; }

fail() {
  echo "run: $*" >&2
  exit 1
}

usage() {
  echo "run: $*; see ./run --help" >&2
  exit 2
}

# Whether the folder can be made or, if it is there, written to: the first part of it that is there
# decides.
check_folder() {
  local there=$1
  while [[ ! -e $there && ! -L $there ]]; do
    there=$(dirname "$there")
  done
  [[ -d $there ]] || fail "$2 cannot be a folder: $there is not one. $3"
  [[ -w $there && -x $there ]] || fail "$2 cannot be written to: $there belongs to $(stat -c %U "$there"). $3"
}

check_build() {
  check_folder "$1" "the build folder $1" "Give yourself the checkout: sudo chown -R $(id -un) $repo"
}

check_programs() {
  local program
  [[ -d $1 ]] || fail "--programs $1 is not a folder"
  for program in cli/hubseal daemon/hubseald agent/hubseal-agent; do
    [[ -f $1/$program && -x $1/$program ]] || fail "--programs $1 has no $program. Build it, or leave --programs away"
  done
}

build_programs() {
  "$repo/scripts/install-packages"
  [[ -e $repo/build/release/agent/hubseal-agent ]] || echo "The first build takes about ten minutes on two cores."
  (cd "$repo" && cmake --preset release >/dev/null && cmake --build --preset release --target hubseal hubseald hubseal-agent)
}

# The sockets' paths must fit into sun_path (108 bytes with its end), and the folder's name into
# configuration files without quoting.
check_state() {
  local longest=$1/run/agent.sock
  [[ $1 != / ]] || usage "--state wants a folder of its own, not the root of all folders"
  ((${#longest} < 108)) ||
    fail "the folder $1 has too long a name: $longest has ${#longest} bytes, a socket's path at most 107. Give --state"
  [[ $1 =~ ^/[A-Za-z0-9._/@+,-]+$ ]] ||
    fail "the folder $1 has characters other than letters, digits and . _ / @ + , - in its name. Give --state"
  check_folder "$1" "--state $1" "Give another --state"
  # What ./run writes first is the lock.
  [[ ! -d $1 || -e $1/lock || -z $(ls -A "$1") ]] ||
    fail "--state $1 is not empty and holds no state of ./run. Give a new folder"
  check_folders_above "$1"
}

# hubseald trusts nothing that somebody else could exchange: its folders belong to root or to whoever
# runs it, all the way up.
check_folders_above() {
  local folder owner mode
  folder=$1
  while :; do
    if [[ -d $folder ]]; then
      owner=$(stat -Lc %u "$folder") mode=$(stat -Lc %a "$folder")
      if [[ $owner != 0 && $owner != $(id -u) ]]; then
        fail "$folder belongs to $(stat -Lc %U "$folder"), who could exchange what lies in it. Run as that user, or give --state"
      elif ((8#$mode & 8#22)) && ! [[ $owner == 0 && $((8#$mode & 8#1000)) != 0 ]]; then
        fail "$folder can be written to by others (mode $mode). Run: chmod go-w $folder, or give --state"
      fi
    fi
    [[ $folder != / ]] || break
    folder=$(dirname "$folder")
  done
}

check_port() {
  if [[ ! $1 =~ ^[0-9]{1,5}$ ]] || ((10#$1 < 1 || 10#$1 > 65535)); then
    usage "--port wants a number from 1 to 65535, not $1"
  fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    fail "port $1 is in use (another ./run?). Give --port"
  fi
}

# One run at a time in a folder. Children close the descriptor: a lost one must not keep the lock.
lock_state() {
  mkdir -p "$1" || fail "--state $1 cannot be made. Give another --state"
  exec 9>"$1/lock"
  flock --nonblock 9 || fail "another ./run is at work in $1"
}

find_module() {
  local candidate
  for candidate in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib/*/pkcs11/libsofthsm2.so; do
    [[ -e $candidate ]] && echo "$candidate" && return
  done
  fail "libsofthsm2.so is not where Debian has it"
}

fill_in() {
  sed -e "s|@STATE@|$state|g" -e "s|@USER@|$(id -u)|g" -e "s|@MODULE@|$(find_module)|g" -e "s|@PORT@|$port|g" "$1"
}

# A profile for the rig: its own addresses; and whoever tries it wants a second certificate today, not in month 18.
rig_profile() {
  sed -e 's|^renew_from_days = .*|renew_from_days = 0|' \
    -e "s|^crl_urls  = .*|crl_urls  = [\"http://127.0.0.1:$port/pki/{ca}.crl\"]|" \
    -e "s|^ocsp_urls = .*|ocsp_urls = [\"http://127.0.0.1:$port/pki/ocsp\"]|" "$repo/config/profiles/$1"
}

# Puts standard input into etc/$1. What somebody changed since ./run wrote it is theirs: it is kept, and told.
place() {
  local file=$state/etc/$1 written=$state/etc/as-written/$1
  if [[ -e $file && -e $written ]] && ! cmp --silent "$file" "$written"; then
    cat >"$written.new"
    cmp --silent "$written.new" "$written" || echo "(what ./run would write now is in $written.new)"
    echo "kept as it was changed: $file"
    return
  fi
  rm -f "$written.new"
  cat >"$written"
  cp "$written" "$file"
}

# Copies, because hubseald takes its configuration only from files that nobody else could change.
write_config() {
  local name
  mkdir -p "$state"/{etc/profiles,etc/as-written/profiles,run,tokens,log,agent,gateway,demo-bank,careful-bank}
  for name in "$repo"/config/rig/*.in; do
    fill_in "$name" | place "$(basename "$name" .in)"
  done
  for name in "$repo"/config/profiles/*.toml; do
    rig_profile "$(basename "$name")" | place "profiles/$(basename "$name")"
  done
  # The same as dfsp-client, but two people must agree.
  rig_profile dfsp-client.toml |
    sed -e 's|^name  .*|name        = "dfsp-client-approved"|' -e 's|^approvals = .*|approvals = 2|' |
    place profiles/dfsp-client-approved.toml
  place policy.toml <"$repo/config/rig/policy.toml"
  # A rig's policy is what its files say, also after an update of the sources: what an older run stored may lack keys.
  "$hubseald" --config "$state/etc/hubseald.toml" --adopt-policy
}

# As systemd does it: the sockets exist first and are passed in, by name.
start_daemon() {
  local sockets=() name
  for name in agent jws admin audit; do
    rm -f "$state/run/$name.sock"
    sockets+=(--listen="$state/run/$name.sock")
  done
  if command -v systemd-socket-activate >/dev/null; then
    systemd-socket-activate "${sockets[@]}" --fdname=agent:jws:admin:audit --setenv="SOFTHSM2_CONF=$SOFTHSM2_CONF" \
      "$hubseald" --config "$state/etc/hubseald.toml" >"$state/log/hubseald.log" 2>&1 9>&- &
  else
    echo "systemd-socket-activate is not here: hubseald makes its sockets itself"
    "$hubseald" --config "$state/etc/hubseald.toml" >"$state/log/hubseald.log" 2>&1 9>&- &
  fi
  daemon_pid=$!
}

start_agent() {
  "$agent" --config "$state/etc/agent.toml" >"$state/log/hubseal-agent.log" 2>&1 9>&- &
  agent_pid=$!
}

# Asks again and again, for a minute, as long as the process lives.
await() {
  local what=$1 pid=$2 deadline=$((SECONDS + 60))
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || fail "$what ended while it started"
    ((SECONDS < deadline)) || fail "$what is not ready after a minute: $("$@" 2>&1 | tail -n 3)"
    sleep 0.1
  done
}

# People have stopped all signing: what is there can be looked at, and `hubseal unseal` goes on.
is_sealed() {
  local status
  status=$("$hubseal" --json status) || true  # 4: it is not ready
  jq --exit-status .health.sealed <<<"$status" >/dev/null
}

is_ready_or_sealed() {
  "$hubseal" status || is_sealed
}

await_daemon() {
  await hubseald "$daemon_pid" is_ready_or_sealed
  echo "hubseald       pid $daemon_pid, sockets in $state/run"
}

await_agent() {
  await hubseal-agent "$agent_pid" curl --silent --fail "http://127.0.0.1:$port/api/hub/ca"
  echo "hubseal-agent  pid $agent_pid, http://127.0.0.1:$port"
}

# Returns never: one of the two ended, and must not have. Asked again and again, because bash's `wait -n`
# knows nothing of a child that ended before it was called.
await_end() {
  local ended=$daemon_pid status=0
  while kill -0 "$daemon_pid" 2>/dev/null && kill -0 "$agent_pid" 2>/dev/null; do
    sleep 0.5 9>&- &
    wait $!  # which a signal ends at once
  done
  kill -0 "$daemon_pid" 2>/dev/null && ended=$agent_pid
  wait "$ended" || status=$?
  fail "$(name_of "$ended") ended by itself, with status $status"
}

name_of() {
  if [[ $1 == "$daemon_pid" ]]; then echo "hubseald (pid $1)"; else echo "hubseal-agent (pid $1)"; fi
}

say_what_next() {
  cat <<TEXT

  REST API       http://127.0.0.1:$port/api (no authentication: loopback only)
  certificate    $state/$bank/client.pem, chain $state/$bank/hub-ca.pem
  logs           $state/log
TEXT
  if [[ ${once:-no} == yes ]]; then
    echo "Both processes end now. To try more, start ./run without --once: it goes on with this state."
    return
  fi
  cat <<TEXT
Try next, in another terminal:
  export SOFTHSM2_CONF=$SOFTHSM2_CONF HUBSEAL_SOCKET=$HUBSEAL_SOCKET PATH=$(dirname "$hubseal"):\$PATH
  hubseal status
  hubseal cert list
  printf '{"a":1}' | hubseal jws sign --key hub-jws
  curl http://127.0.0.1:$port/api/dfsps
TEXT
}

# By pid, politely, and for certain.
stop() {
  local pid=$1
  [[ -n $pid ]] && kill -TERM "$pid" 2>/dev/null || return 0
  timeout 20 tail --pid="$pid" -s 0.1 -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

finish() {
  local status=$1 log
  trap '' INT TERM
  stop "$agent_pid"
  stop "$daemon_pid"
  # 130 and 143: somebody stopped it, nothing to explain.
  if ((status != 0 && status != 130 && status != 143)); then
    for log in "$state"/log/*.log; do
      [[ -e $log ]] || continue
      printf '\n-- the end of %s\n' "$log" >&2
      tail -n 15 "$log" >&2
    done
  fi
  exit "$status"
}
