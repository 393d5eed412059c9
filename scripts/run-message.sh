# shellcheck shell=bash disable=SC2154  # repo, state, programs, hubseal, bank are the variables of ./run
# What ./run shows of messages: hubseald signs one with a key in the token, and the software that participants run
# accepts it. say(), fail() and rest() are those of run-lib.sh and run-demo.sh.

readonly sdk_name=@mojaloop/sdk-standard-components

sdk_folder() { echo "$programs/tests/interop/sdk"; }

# Once for a build, where node and npm are: the versions and hashes of the lock file, and nothing that they bring is run
# while they are installed.
fetch_sdk() {
  local from=$repo/tests/interop/sdk to
  to=$(sdk_folder)
  if ! command -v node >/dev/null || ! command -v npm >/dev/null || cmp --silent "$from/package-lock.json" "$to/package-lock.json"; then
    return 0
  fi
  echo "npm fetches what participants run, to judge what is signed (about a minute, once)."
  mkdir -p "$to"
  cp "$from/sdk.mjs" "$from/package.json" "$from/package-lock.json" "$to"
  if ! (cd "$to" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --loglevel=error >/dev/null 2>"$to/npm.log"); then
    rm -f "$to/package-lock.json" # there: fetched
    echo "npm could not, which keeps nothing else back: $(tail -n 1 "$to/npm.log")"
  fi
}

# The request as the SDK's validator takes it, with the hub's public key, which is all that a participant has of the hub.
sdk_task() { # FOLDER
  jq --compact-output --null-input --rawfile headers "$1/headers.txt" --slurpfile body "$1/body.json" --rawfile key "$1/hub-jws.pem" '
    ($headers | split("\n") | map(select(. != "") | capture("^(?<key>[^:]*): (?<value>.*)$") | .key |= ascii_downcase) | from_entries) as $sent |
    {validate: {headers: $sent, body: $body[0]}, keys: {hub: $key}}'
}

# Asks it twice: the message as it was signed, and with a larger amount.
ask_sdk() { # FOLDER
  local task answers sdk version
  sdk=$(sdk_folder)
  if ! command -v node >/dev/null || [[ ! -e $sdk/sdk.mjs || ! -e $sdk/node_modules/$sdk_name/package.json ]]; then
    echo "$sdk_name, which participants run, is not asked: node, or the package, is not here."
    echo "To see that it accepts this: scripts/install-packages --test, and then ./run without --programs"
    return 0
  fi
  version=$(jq -r .version "$sdk/node_modules/$sdk_name/package.json")
  task=$(sdk_task "$1")
  answers=$(printf '%s\n' "$task" "$(jq --compact-output '.validate.body.transferAmount.amount = "15000"' <<<"$task")" |
    (cd "$sdk" && timeout 60 node sdk.mjs 2>"$1/sdk.log")) || {
    echo "$sdk_name $version does not run with node $(node --version): $(grep --max-count=1 Error "$1/sdk.log")"
    return 0
  }
  [[ $(jq -c . <<<"$answers" | head -n 1) == '{"good":true}' ]] || fail "$sdk_name $version refuses what hubseald signed: $answers"
  echo "$sdk_name $version, which participants run: accepted"
  [[ $(tail -n 1 <<<"$answers" | jq -r '.bad // empty') == 'invalid signature' ]] || fail "$sdk_name $version takes another amount: $answers"
  echo "  and with another amount: refused ($(tail -n 1 <<<"$answers" | jq -r .bad))"
}

# As the hub's services do it, as a member of jws.sock. JSON as participants' software writes it anew: names in order, no
# white space (docs/JWS.md).
sign_message() {
  local folder=$state/message path=/quotes/7c23e80c-d078-4077-8263-2c047876fcf6 date
  mkdir -p "$folder"
  rest GET /hub/jwscerts | jq -r .publicKey >"$folder/hub-jws.pem"
  date=$(LC_ALL=C date -u '+%a, %d %b %Y %T GMT')
  jq --null-input --sort-keys --compact-output --join-output \
    '{transferAmount: {amount: "150", currency: "KES"}, expiration: "2030-01-01T00:00:00.000Z", condition: "HOr22-H3AfTDHrSkPjJtVPRdKouuMkDXTR4ejlQa8Ks", ilpPacket: "AQAAAAAAAADIEHByaXZhdGU"}' \
    >"$folder/body.json"
  "$hubseal" --socket "$state/run/jws.sock" jws sign-message --method PUT --uri "https://demo-bank.example/fspiop$path" \
    --source hub --destination "$bank" --date "$date" "$folder/body.json" >"$folder/headers.txt"
  { echo "PUT /fspiop$path HTTP/1.1" && cat "$folder/headers.txt" && echo && cat "$folder/body.json"; } >"$folder/request.http"
  echo "PUT $path of the hub to $bank: signed by hub-jws in the token"
  "$hubseal" jws verify --public-key "$folder/hub-jws.pem" "$folder/request.http" >"$folder/verdict.txt"
  head -n 1 "$folder/verdict.txt"
  ask_sdk "$folder"
}
