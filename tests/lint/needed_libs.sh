#!/bin/bash
# Which libraries each program is linked with: the daemon never needs Poco, the agent never a
# PKCS#11 library, the command line neither.
#   tests/lint/needed_libs.sh HUBSEALD HUBSEAL_AGENT HUBSEAL
# A program given as "-" is left out.
set -euo pipefail

failed=no
finding() {
  echo "needed_libs.sh: $*" >&2
  failed=yes
}

# check PROGRAM PATH FORBIDDEN: an extended regular expression over library names.
check() {
  local program=$1 path=$2 forbidden=$3 needed bad
  [[ $path != - ]] || return 0
  needed=$(readelf --dynamic --wide "$path" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' || true)
  # A static or unreadable file would pass every check below.
  [[ $needed == *libc.so* ]] || finding "$program ($path) names no libraries: not a dynamic program?"
  bad=$(grep -iE "$forbidden" <<<"$needed" | tr '\n' ' ' || true)
  [[ -z $bad ]] || finding "$program ($path) needs ${bad}which it must not"
}

(($# == 3)) || {
  echo "usage: needed_libs.sh HUBSEALD HUBSEAL_AGENT HUBSEAL" >&2
  exit 2
}
check hubseald "$1" '^libPoco'
check hubseal-agent "$2" '^libp11|^libpkcs11|softhsm'
check hubseal "$3" '^libPoco|^libp11|^libpkcs11|softhsm|sqlite'
[[ $failed == no ]]
