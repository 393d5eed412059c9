#!/bin/bash
# What the compiler and the linker were told to protect, read from the programs themselves: a flag that
# a tool chain ignores, or that a later one turns off, is noticed.
#   tests/lint/hardening.sh PROGRAM...
# For builds that are meant to be installed: the sanitizers bring their own checks instead.
set -euo pipefail
(($# >= 1)) || {
  echo "usage: hardening.sh PROGRAM..." >&2
  exit 2
}

failed=no
finding() {
  echo "hardening.sh: $*" >&2
  failed=yes
}

# has PROGRAM WHAT TEXT PATTERN: an extended regular expression that a line of the text must match.
has() {
  grep -qE "$4" <<<"$3" || finding "$1: $2"
}

for program in "$@"; do
  header=$(readelf --file-header --wide "$program" 2>/dev/null || true)
  [[ -n $header ]] || {
    finding "$program: not a program that readelf can read"
    continue
  }
  segments=$(readelf --program-headers --wide "$program")
  dynamic=$(readelf --dynamic --wide "$program")
  imports=$(readelf --dyn-syms --wide "$program" | awk '$7 == "UND" { sub(/@.*/, "", $8); print $8 }')

  # The loader may put it anywhere: DYN alone would also be a shared library.
  has "$program" "not position independent (PIE)" "$header" 'Type: *DYN'
  has "$program" "not position independent (PIE)" "$dynamic" '\(FLAGS_1\).*\bPIE\b'
  # Its tables of addresses are complete and read-only before main begins.
  has "$program" "no RELRO" "$segments" '^ *GNU_RELRO'
  has "$program" "its addresses are not all bound at the start (BIND_NOW)" "$dynamic" '\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b'
  has "$program" "its stack is executable" "$segments" '^ *GNU_STACK .* RW +0x'
  ! grep -qE '^ *LOAD .* RWE ' <<<"$segments" || finding "$program: memory that is writable and executable"
  # Libraries come from where the system has them.
  ! grep -qE '\((RPATH|RUNPATH)\)' <<<"$dynamic" || finding "$program: has a search path for libraries of its own"
  has "$program" "built without the stack protector" "$imports" '^__stack_chk_fail$'
  has "$program" "built without _FORTIFY_SOURCE" "$imports" '^__[a-z]+_chk$'
done
[[ $failed == no ]]
