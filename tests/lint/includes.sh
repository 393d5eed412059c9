#!/bin/bash
# The dependency rule, as docs/ARCHITECTURE.md draws it: which folder may include which, which library's
# headers may be seen where, and where SQL and HTTP status codes may stand.
#   tests/lint/includes.sh [FOLDER]
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"

# Which of our own headers a file may include: patterns of paths, one line per folder, the most
# specific folder first.
allowed_headers() {
  case $1 in
  tests/*) echo '*' ;;
  common/*) echo 'common/*' ;;
  hsm/*) echo 'common/* hsm/*' ;;
  # The CA's arithmetic knows neither peers nor tokens nor the registry.
  daemon/ca/*) echo 'common/* daemon/ca/* daemon/quota/quota.h daemon/quota/read_quota.h' ;;
  # Sockets and peers; no certificate, no key.
  daemon/server.* | daemon/listeners.* | daemon/peer.*)
    echo 'common/files.h common/guarded.h common/result.h common/log.h common/unique_fd.h common/wire/* daemon/server.h daemon/listeners.h daemon/peer.h daemon/message_rule.h daemon/places.h daemon/folders.h'
    ;;
  # Of hsm/ the daemon sees the Signer and how to open one: nothing with a PKCS#11 type in it.
  daemon/*) echo 'common/* daemon/* hsm/signer.h hsm/token_signer.h hsm/token_config.h hsm/init_token.h' ;;
  # Whether the database answers is part of the health that HTTP tells; nothing else of it is.
  agent/http/handlers/health.cpp) echo 'common/* agent/http/* agent/service/* agent/store/database.h' ;;
  agent/http/*) echo 'common/* agent/http/* agent/service/* agent/auth/* agent/metrics/*' ;;
  # Who somebody is, the rules know; how that was found out they do not.
  agent/service/*) echo 'common/* agent/service/* agent/store/* agent/auth/roles.h agent/auth/credentials.h agent/metrics/* agent/publish/publisher.h agent/publish/key_folder.h' ;;
  # A Vault is asked as the identity provider is.
  agent/publish/*) echo 'common/* agent/publish/* agent/auth/http_client.h' ;;
  agent/metrics/*) echo 'common/* agent/metrics/*' ;;
  agent/auth/*) echo 'common/* agent/auth/*' ;;
  agent/mcm/*) echo 'common/* agent/mcm/* agent/service/* agent/store/import.h' ;;
  agent/store/*) echo 'common/* agent/store/*' ;;
  agent/*) echo 'common/* agent/*' ;;
  cli/*) echo 'common/* cli/*' ;;
  # What runs in gateways: of ours, what asks hubseald and takes an answer apart.
  pkcs11/*) echo 'common/* pkcs11/*' ;;
  esac
}

# What a file may not include although its folder may: an operation answers a request and knows nothing
# of the sockets that it came through.
denied_headers() {
  case $1 in
  daemon/ops/*) echo 'daemon/server* daemon/listeners*' ;;
  esac
}

# Where a library's headers may be included, or nothing for a library that is free.
homes_of_library() {
  case $1 in
  libp11.h | p11-kit/* | pkcs11.h) echo 'hsm/* pkcs11/* tests/*' ;;
  Poco/*) echo 'agent/* tests/*' ;;
  sqlite3.h) echo 'daemon/registry/sqlite.cpp agent/store/* tests/*' ;;
  boost/test/* | benchmark/*) echo 'tests/*' ;;
  CLI/*) echo 'cli/* daemon/main.cpp agent/main.cpp common/command_line.h tests/*' ;;
  esac
}

matches_one_of() {
  local word=$1 pattern
  shift
  for pattern in "$@"; do
    # shellcheck disable=SC2053  # a pattern it is
    [[ $word == $pattern ]] && return 0
  done
  return 1
}

check_own() {
  local place=$1 file=$2 header=$3 allowed denied
  [[ -e $lint_root/$header || -e $lint_root/$header.in ]] ||
    finding "$place: \"$header\" does not start at the root of the repository"
  read -ra allowed <<<"$(allowed_headers "$file")"
  read -ra denied <<<"$(denied_headers "$file")"
  ! matches_one_of "$header" "${denied[@]}" || finding "$place: \"$header\" points the wrong way; not allowed here: ${denied[*]}"
  # PKCS#11 types stay at home, whatever the direction of the arrow.
  [[ $header != hsm/pkcs11.h ]] || allowed=('hsm/*' 'tests/*')
  if [[ $header == hsm/pkcs11.h ]]; then
    matches_one_of "$file" "${allowed[@]}" || finding "$place: PKCS#11 is seen in hsm/ and tests/ only"
  else
    matches_one_of "$header" "${allowed[@]}" || finding "$place: \"$header\" points the wrong way; allowed here: ${allowed[*]}"
  fi
}

# THREATS.md: an ENGINE of OpenSSL changes the whole process; keys are reached through hsm/.
readonly engine='no ENGINE of OpenSSL: keys are reached through hsm/'

check_library() {
  local place=$1 file=$2 header=$3 homes
  [[ $header != openssl/engine.h ]] || finding "$place: $engine"
  read -ra homes <<<"$(homes_of_library "$header")"
  ((${#homes[@]} == 0)) || matches_one_of "$file" "${homes[@]}" ||
    finding "$place: <$header> is for ${homes[*]} only"
}

set -f # the patterns above are for [[ ]], not for file names
cd "$lint_root"
while IFS=: read -r file line text; do
  looked_at=$((looked_at + 1))
  if [[ $text =~ \#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
    check_own "$file:$line" "$file" "${BASH_REMATCH[1]}"
  elif [[ $text =~ \#[[:space:]]*include[[:space:]]*\<([^\>]+)\> ]]; then
    check_library "$file:$line" "$file" "${BASH_REMATCH[1]}"
  fi
done < <(source_folders | xargs grep -rnE --include='*.h' --include='*.h.in' --include='*.cpp' --include='*.c' '^[[:space:]]*#[[:space:]]*include')

# A statement of SQL, not a word of English: at the start of a string, or of a line of a raw one.
readonly sql='(^|")[[:space:]]*(SELECT [A-Za-z0-9_*(].*|INSERT (OR [A-Z]+ )?INTO |UPDATE [a-z_]+ SET |DELETE FROM |REPLACE INTO |(CREATE|DROP|ALTER) (TABLE|INDEX|UNIQUE|TRIGGER|VIEW)|PRAGMA |BEGIN( IMMEDIATE| EXCLUSIVE| DEFERRED)?[";]|COMMIT[";]|ROLLBACK[";]|SAVEPOINT |VACUUM)'
# A status that HTTP sends: a number of three digits beside the word, or the library's name for one.
readonly status='\bstatus[a-z_]*([(][)])?[[:space:]]*(=|==|!=|<|>|<=|>=|[({])[[:space:]]*[1-5][0-9][0-9]\b|\bHTTP_[A-Z]{2,}|\bHTTPStatus\b'

# words_only_in WHAT PATTERN HOMES
words_only_in() {
  local what=$1 pattern=$2 homes file line
  read -ra homes <<<"$3"
  while IFS=: read -r file line _; do
    matches_one_of "$file" "${homes[@]}" || finding "$file:$line: $what is for ${homes[*]} only"
  done < <(source_folders | grep -xE 'common|hsm|daemon|agent|cli|pkcs11' |
    xargs grep -rnE --include='*.h' --include='*.cpp' "$pattern" || true)
}
words_only_in SQL "$sql" 'daemon/registry/* agent/store/*'
words_only_in 'an HTTP status' "$status" 'agent/http/*'

while IFS=: read -r file line _; do
  finding "$file:$line: $engine"
done < <(source_folders | xargs grep -rnwE --include='*.h' --include='*.cpp' --include='*.c' 'ENGINE|ENGINE_[a-z_0-9]+' || true)

# A product does not reach into the tests, and nobody forgets the guard against double inclusion.
while IFS= read -r header; do
  grep -q '^#pragma once' "$header" || finding "$header: no #pragma once"
done < <(source_folders | xargs -I{} find {} -name '*.h')
finish
