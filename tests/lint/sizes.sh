#!/bin/bash
# What a reader may rely on in every file: sources of at most 400 lines, nothing left for later,
# no shell started by a program that is shipped, no path of somebody's machine, scripts that shellcheck accepts.
#   tests/lint/sizes.sh [FOLDER]
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
readonly max_lines=400

cd "$lint_root"
# Spelled apart, so that this file passes its own check.
later='TO''DO|FIX''ME|X''XX|HA''CK'
stub='not imple''mented'
machine_path='(^|[^A-Za-z0-9_.$}/])/(wo''rk|ro''ot|ho''me)/'

# Everything under version control, or, outside a checkout, everything but what is built.
files() {
  if [[ -e .git ]]; then
    git ls-files --cached --others --exclude-standard | while IFS= read -r file; do [[ ! -f $file ]] || echo "$file"; done
  else
    find . -type f -not -path './build/*' -not -path './var/*' -printf '%P\n'
  fi
}
mapfile -t all < <(files)
sources=() scripts=()
for file in "${all[@]}"; do
  case $file in
  *.h | *.cpp | *.c | *.py | *.ts | *.tsx)
    sources+=("$file")
    ;;
  esac
  [[ $file != *.sh ]] && [[ $(head -c 11 "$file" | tr -d '\0') != '#!/bin/bash' ]] || scripts+=("$file")
done
looked_at=${#all[@]}

report() { # WHAT: one finding per line of standard input
  local place
  while IFS= read -r place; do finding "$place: $1"; done
}

if ((${#sources[@]} > 0)); then
  while read -r lines name; do
    [[ $name == total ]] || ((lines <= max_lines)) || finding "$name: $lines lines; wanted at most $max_lines"
  done < <(wc -l "${sources[@]}")
  report 'starts a shell' < <(grep -nHE '\b(system|popen)[[:space:]]*\(' "${sources[@]}" | cut -d: -f1,2)
fi
if ((looked_at > 0)); then
  report 'something is left for later' < <(grep -nHIwE "$later" "${all[@]}" | cut -d: -f1,2)
  report 'a stub' < <(grep -nHIiE "$stub" "${all[@]}" | cut -d: -f1,2)
  report 'a path of somebody'\''s machine' < <(grep -nHIE "$machine_path" "${all[@]}" | cut -d: -f1,2)
fi
if ((${#scripts[@]} > 0)); then
  if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --severity=warning --format=gcc "${scripts[@]}" >&2 || finding "shellcheck has found something"
  else
    echo "sizes.sh: shellcheck is not installed; scripts were not looked at" >&2
  fi
fi
finish
