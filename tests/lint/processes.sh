#!/bin/bash
# Who may start a process: only the command line, for the ceremony, and only by posix_spawn. A fork
# would copy a logged-in token and a PIN; an exec or a shell would be a way out for whoever got in.
# The sources are read for calls, the programs for what they import (a macro or a library's header
# hides nothing there).
#   tests/lint/processes.sh HUBSEALD HUBSEAL_AGENT HUBSEAL [FOLDER]
# A program given as "-" is left out.
set -euo pipefail
(($# >= 3)) || {
  echo "usage: processes.sh HUBSEALD HUBSEAL_AGENT HUBSEAL [FOLDER]" >&2
  exit 2
}
hubseald=$1 agent=$2 hubseal=$3
shift 3
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
cd "$lint_root"

readonly never='_?[vV]?fork|_Fork|clone[23]?|forkpty|system|popen|wordexp|exec(l|le|lp|v|ve|vp|vpe|veat)|fexecve'
readonly spawn='posix_spawnp?'

# calls FOLDER WORDS: where one of them is called, or a number of such a system call is named.
calls() {
  find "$1" \( -name '*.h' -o -name '*.cpp' -o -name '*.c' \) -exec \
    grep -nHE "(^|[^A-Za-z0-9_>.])($2)[[:space:]]*[(]|SYS_(clone3?|v?fork|execve(at)?)" {} + |
    grep -vE '^[^:]*:[0-9]*:[[:space:]]*//' || true
}

check_sources() { # FOLDER WORDS
  [[ -d $1 ]] || return 0
  looked_at=$((looked_at + 1))
  while IFS=: read -r file line _; do
    [[ -z $file ]] || finding "$file:$line: starts a process"
  done < <(calls "$1" "$2")
}
for folder in common hsm daemon agent pkcs11; do check_sources "$folder" "$never|$spawn"; done
check_sources cli "$never"

check_imports() { # PROGRAM WORDS
  local imported
  [[ $1 != - ]] || return 0
  looked_at=$((looked_at + 1))
  imported=$(readelf --dyn-syms --wide "$1" 2>/dev/null | awk '$7 == "UND" { sub(/@.*/, "", $8); print $8 }' || true)
  [[ -n $imported ]] || finding "$1 imports nothing: not a dynamic program?"
  while IFS= read -r name; do
    [[ -z $name ]] || finding "$(basename "$1") imports $name, with which a process is started"
  done < <(grep -xE "$2" <<<"$imported" || true)
}
check_imports "$hubseald" "$never|daemon|$spawn"
check_imports "$agent" "$never|daemon|$spawn"
check_imports "$hubseal" "$never|daemon"
finish
