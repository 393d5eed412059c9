#!/bin/bash
# The rig that ./run leaves running, from programs that are built already: the same steps in the same
# order. Says so on its last line, and stays up until its standard input ends.
#   tests/lint/docs_rig.sh STATE PORT HUBSEALD HUBSEAL_AGENT HUBSEAL
# shellcheck disable=SC2034  # state, port, ... are what scripts/run-lib.sh works on
set -euo pipefail
repo=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
state=${1:?} port=${2:?} hubseald=${3:?} agent=${4:?} hubseal=${5:?}
# shellcheck source=scripts/run-lib.sh
source "$repo/scripts/run-lib.sh"

umask 077
lock_state "$state"
trap 'finish $?' EXIT
trap 'exit 143' TERM INT
say "Token, keys and CA (in $state)"
export SOFTHSM2_CONF=$state/etc/softhsm2.conf HUBSEAL_SOCKET=$state/run/admin.sock
write_config "$repo" "$state" "$port"
"$hubseal" init --config "$state/etc/hubseald.toml" --hubseald "$hubseald" --so-pin-file "$state/so-pin" \
  --subject "CN=Example Hub Root CA,O=Example Hub,C=KE"
say "Two processes"
start_daemon
await_daemon
start_agent
await_agent
"$hubseal" status
say "A bank is onboarded over REST"
base=http://127.0.0.1:$port/api
bank=demo-bank
onboard_bank
fetch_certificate
openssl x509 -in "$state/$bank/client.pem" -noout -subject -issuer -serial -dates
openssl verify -CAfile "$state/$bank/hub-ca.pem" -purpose sslclient "$state/$bank/client.pem"
say_what_next
echo "Up until Ctrl-C."
cat >/dev/null
