#!/bin/bash
# Which libraries each program is linked with. hubseald has a list of those it may need, and anything
# else is a decision (CONTRIBUTING.md); the agent never needs a PKCS#11 library, the command line
# neither that nor Poco.
#   tests/lint/needed_libs.sh HUBSEALD HUBSEAL_AGENT HUBSEAL [SANITIZER]
# A program given as "-" is left out. SANITIZER, if given and not empty, is what the build was made with:
# its run-time libraries are then allowed as well.
set -euo pipefail

failed=no
finding() {
  echo "needed_libs.sh: $*" >&2
  failed=yes
}

# Names without their versions, as patterns. The loader itself is named by some linkers.
hubseald_may_need=(libcrypto libp11 libsqlite3 libsystemd libfmt 'libstdc[+][+]' libgcc_s libm libc 'ld-linux-[a-z0-9_-]+')
sanitizer_needs=(libasan libubsan libtsan libdl librt libpthread libresolv)

needed_by() { # PATH
  readelf --dynamic --wide "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' || true
}

# check PROGRAM PATH FORBIDDEN: an extended regular expression over library names.
check() {
  local program=$1 path=$2 forbidden=$3 needed bad
  [[ $path != - ]] || return 0
  needed=$(needed_by "$path")
  # A static or unreadable file would pass every check below.
  [[ $needed == *libc.so* ]] || finding "$program ($path) names no libraries: not a dynamic program?"
  bad=$(grep -iE "$forbidden" <<<"$needed" | tr '\n' ' ' || true)
  [[ -z $bad ]] || finding "$program ($path) needs ${bad}which it must not"
}

# check_list PROGRAM PATH NAMES...
check_list() {
  local program=$1 path=$2 names soname
  shift 2
  names=$(IFS='|' && echo "$*")
  [[ $path != - ]] || return 0
  while IFS= read -r soname; do
    [[ $soname =~ ^($names)\.so(\.[0-9]+)*$ ]] || finding "$program ($path) needs $soname, which is not on its list"
  done < <(needed_by "$path")
}

(($# == 3 || $# == 4)) || {
  echo "usage: needed_libs.sh HUBSEALD HUBSEAL_AGENT HUBSEAL [SANITIZER]" >&2
  exit 2
}
[[ -z ${4-} ]] || hubseald_may_need+=("${sanitizer_needs[@]}")
check hubseald "$1" '^libPoco'
check_list hubseald "$1" "${hubseald_may_need[@]}"
check hubseal-agent "$2" '^libp11|^libpkcs11|softhsm'
check hubseal "$3" '^libPoco|^libp11|^libpkcs11|softhsm|sqlite'
[[ $failed == no ]]
