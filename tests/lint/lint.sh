# shellcheck shell=bash
# What the lints share. A lint takes the folder to look at (default: this repository), prints one
# line per finding and exits 1 when there was one. A lint that found nothing to look at fails too.

lint_root=$(readlink -f "${1:-$(dirname "$(readlink -f "${BASH_SOURCE[1]}")")/../..}")
findings=0
looked_at=0

finding() {
  echo "${0##*/}: $*" >&2
  findings=$((findings + 1))
}

# The folders that hold our own code, as far as they exist.
source_folders() {
  local name
  for name in common hsm daemon agent cli pkcs11 tests; do
    [[ -d $lint_root/$name ]] && echo "$name"
  done
  return 0
}

finish() {
  ((looked_at > 0)) || finding "found nothing to look at in $lint_root"
  ((findings == 0)) || exit 1
  echo "${0##*/}: $looked_at looked at"
}
