#!/bin/bash
# libhubseal-pkcs11.so is loaded into other people's programs: it shows them one name, and brings no library along whose state they
# share with it (their libcrypto least of all).
#   tests/lint/module.sh MODULE [SANITIZER]
# SANITIZER, if given and not empty, is what the build was made with: its run-time libraries are then allowed as well.
set -euo pipefail
(($# == 1 || $# == 2)) || {
  echo "usage: module.sh MODULE [SANITIZER]" >&2
  exit 2
}
may_need='libfmt|libstdc[+][+]|libgcc_s|libm|libc|ld-linux-[a-z0-9_-]+'
[[ -z ${2-} ]] || may_need+='|libasan|libubsan|libtsan|libdl|librt|libpthread|libresolv'

failed=no
finding() {
  echo "module.sh: $*" >&2
  failed=yes
}

shown=$(nm --dynamic --defined-only "$1" | awk '{ print $3 }' | sort | tr '\n' ' ' || true)
[[ $shown == 'C_GetFunctionList ' ]] || finding "$1 shows \"${shown% }\"; wanted C_GetFunctionList alone"
needed=$(readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[[ $needed == *libc.so* ]] || finding "$1 names no libraries"
while IFS= read -r soname; do
  [[ $soname =~ ^($may_need)\.so(\.[0-9]+)*$ ]] || finding "$1 needs $soname, which is not on its list"
done <<<"$needed"
[[ $failed == no ]]
