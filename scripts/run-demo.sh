# shellcheck shell=bash disable=SC2154  # state, bank, hubseal, ... are the variables of ./run
# What ./run shows: a bank that is onboarded over REST, a message of the hub (run-message.sh), and a certificate that two
# people agree to.
# say() and fail() are those of run-lib.sh.

# In which the hub's client key is made: RSA-4096 in software, beside whatever else keeps the machine busy.
readonly key_seconds=150

# rest METHOD PATH [JSON]: the answer's body; a refusal ends the script with what the agent said, and so does no answer
# within `seconds`.
rest() {
  local body status
  body=$(mktemp "$state/answer.XXXXXX")
  status=$(curl --silent --show-error --max-time "${seconds:-60}" --output "$body" --write-out '%{http_code}' --request "$1" \
    ${3:+--header 'Content-Type: application/json' --data "$3"} "$base$2") || status="no answer"
  if [[ $status != 2* ]]; then
    echo "run: $1 $2: $status: $(cat "$body")" >&2
    rm -f "$body"
    return 1
  fi
  cat "$body"
  rm -f "$body"
}

add_bank() {
  local folder=$state/$bank
  if rest GET /dfsps | jq --exit-status --arg id "$bank" 'any(.[]; .id == $id or .dfspId == $id)' >/dev/null; then
    echo "$bank is there already"
  else
    seconds=$key_seconds rest POST /dfsps "$(jq -n --arg id "$bank" '{dfspId: $id, name: "Demo Bank"}')" >/dev/null
    echo "POST /api/dfsps: $bank"
  fi
  # The bank's own key, made by the bank: the hub only ever sees the CSR.
  if [[ ! -e $folder/client.csr ]]; then
    openssl req -new -newkey rsa:4096 -nodes -sha256 -subj "/" -keyout "$folder/client.key" \
      -out "$folder/client.csr.new" 2>/dev/null
    mv "$folder/client.csr.new" "$folder/client.csr"
  fi
}

# Enrols the CSR once: a key that was certified is not certified again.
fetch_certificate() {
  local folder=$state/$bank path=/dfsps/$bank/enrollments/inbound enrollment id
  enrollment=$(rest GET "$path" |
    jq --compact-output --rawfile csr "$folder/client.csr" 'map(select(.csr == $csr)) | last // empty')
  if [[ -z $enrollment ]]; then
    enrollment=$(rest POST "$path" "$(jq -n --rawfile csr "$folder/client.csr" '{clientCSR: $csr}')")
    echo "POST /api$path: enrolment $(jq -r .id <<<"$enrollment")"
  fi
  id=$(jq -r .id <<<"$enrollment")
  if [[ $(jq -r .state <<<"$enrollment") != CERT_SIGNED ]]; then
    enrollment=$(rest POST "$path/$id/sign")
    echo "POST /api$path/$id/sign: $(jq -r .state <<<"$enrollment")"
  fi
  jq -r '.certificate // empty' <<<"$enrollment" >"$folder/client.pem"
  [[ -s $folder/client.pem ]] || fail "enrolment $id has no certificate"
  rest GET /hub/ca | jq -r '.rootCertificate' >"$folder/hub-ca.pem"
}

# The other direction: the bank's own CA certifies the hub's key, which is in the token.
certify_hub() {
  local folder=$state/$bank path=/dfsps/$bank enrollment id
  if [[ ! -e $folder/ca.pem ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 365 -subj "/CN=Demo Bank CA/O=Demo Bank/C=KE" \
      -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$folder/ca.key" -out "$folder/ca.pem.new" 2>/dev/null
    mv "$folder/ca.pem.new" "$folder/ca.pem"
  fi
  rest POST "$path/ca" "$(jq -n --rawfile root "$folder/ca.pem" '{rootCertificate: $root}')" >/dev/null
  enrollment=$(rest GET "$path/enrollments/outbound" | jq --compact-output 'last // empty')
  [[ -n $enrollment ]] || enrollment=$(seconds=$key_seconds rest POST "$path/enrollments/outbound/csr")
  [[ $(jq -r .state <<<"$enrollment") != CERT_SIGNED ]] || return 0
  id=$(jq -r .id <<<"$enrollment")
  jq -r .csr <<<"$enrollment" >"$folder/hub.csr"
  printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n' >"$folder/hub.ext"
  openssl x509 -req -in "$folder/hub.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -days 365 -sha256 \
    -copy_extensions copy -extfile "$folder/hub.ext" -out "$folder/hub.pem" 2>/dev/null
  rest POST "$path/enrollments/outbound/$id/certificate" \
    "$(jq -n --rawfile pem "$folder/hub.pem" '{certificate: $pem}')" >/dev/null
  echo "POST /api$path/enrollments/outbound/$id/certificate: of the bank's CA, for the hub's key in the token"
}

# Where the bank is and where it calls from. The bank says so, and the hub's people confirm it.
tell_addresses() {
  local base_path=/dfsps/$bank/endpoints value item
  for value in 'ingress/urls {"url": "https://demo-bank.example/fspiop"}' 'egress/ips {"address": "192.0.2.10", "ports": ["443"]}'; do
    item=$(rest POST "$base_path/${value%% *}" "{\"value\": ${value#* }}")  # again: the same item
    [[ $(jq -r .state <<<"$item") != CONFIRMED ]] || continue
    rest POST "$base_path/$(jq -r .id <<<"$item")/confirmation" >/dev/null
    echo "POST /api$base_path/${value%% *}, confirmed: ${value#* }"
  done
}

# approver NAME ALGORITHM...: somebody with a key of their own, as openssl genpkey makes it. It could be on a card.
add_approver() {
  local name=$1 folder=$state/approvers
  shift
  mkdir -p "$folder"
  if [[ ! -e $folder/$name.key ]]; then
    openssl genpkey "$@" -out "$folder/$name.key.new" 2>/dev/null
    mv "$folder/$name.key.new" "$folder/$name.key"
  fi
  openssl pkey -in "$folder/$name.key" -pubout -out "$folder/$name.pub"
  if ! "$hubseal" --json approver list | jq --exit-status --arg name "$name" 'any(.approvers[]; .approver == $name)' >/dev/null; then
    "$hubseal" approver add "$name" --person "$name" --public-key "$folder/$name.pub" >/dev/null
  fi
  echo "approver $name, with a key of $name's own ($*)"
}

# Sign the statement of approval $2 with the key of $1, and hand the signature in.
agree() {
  local name=$1 approval=$2 folder=$state/approvers
  "$hubseal" approval statement "$approval" --out "$folder/statement.txt" --force >/dev/null
  if openssl pkey -in "$folder/$name.key" -noout -text | grep --quiet ED25519; then
    openssl pkeyutl -sign -rawin -inkey "$folder/$name.key" -in "$folder/statement.txt" -out "$folder/$name.sig"
  else
    openssl dgst -sha256 -sign "$folder/$name.key" -out "$folder/$name.sig" "$folder/statement.txt"
  fi
  "$hubseal" --json approval approve "$approval" --approver "$name" --signature "$folder/$name.sig" |
    jq -r --arg name "$name" '"\($name) agrees to \(.approval): \(.agreed) of \(.needed), \(.state)"'
}

# A certificate that nobody gets alone: asked for, agreed to by two people, asked for again.
issue_approved() {
  local folder=$state/careful-bank answer status=0
  local issue=("$hubseal" --json cert issue --profile dfsp-client-approved --participant careful-bank --csr "$folder/client.csr")
  if [[ ! -e $folder/client.csr ]]; then
    openssl req -new -newkey rsa:2048 -nodes -sha256 -subj "/" -keyout "$folder/client.key" -out "$folder/client.csr.new" 2>/dev/null
    mv "$folder/client.csr.new" "$folder/client.csr"
  fi
  add_approver alice -algorithm EC -pkeyopt ec_paramgen_curve:P-256
  add_approver bob -algorithm ED25519
  answer=$("${issue[@]}" 2>&1) || status=$?
  if ((status == 5)); then
    local approval
    approval=$(jq -r .error.approval <<<"$answer")
    echo "careful-bank's certificate is asked for: $(jq -r '"\(.error.code), \(.error.approval)"' <<<"$answer")"
    agree alice "$approval"
    agree bob "$approval"
    answer=$("${issue[@]}") || fail "what two people agreed to was refused: $answer"
    echo "asked for again: issued, serial $(jq -r .serial <<<"$answer")"
  elif ((status == 0)); then
    echo "careful-bank has its certificate already"
  else
    fail "careful-bank: $answer"
  fi
  jq -r .certificate <<<"$answer" >"$folder/client.pem"
}

demonstrate() {
  say "A bank is onboarded over REST"
  base=http://127.0.0.1:$port/api
  add_bank
  fetch_certificate
  openssl x509 -in "$state/$bank/client.pem" -noout -subject -issuer -serial -dates
  openssl verify -CAfile "$state/$bank/hub-ca.pem" -purpose sslclient "$state/$bank/client.pem"
  certify_hub
  tell_addresses
  rest POST "/dfsps/$bank/onboard" >/dev/null
  echo "POST /api/dfsps/$bank/onboard: for gateways, $state/gateway/$bank"

  say "A message of the hub is signed"
  sign_message

  say "A certificate that two people must agree to"
  issue_approved
  openssl verify -CAfile "$state/$bank/hub-ca.pem" -purpose sslclient "$state/careful-bank/client.pem"
  echo
  echo "The CA's key never left the token; two processes stood between it and the bank."
}
