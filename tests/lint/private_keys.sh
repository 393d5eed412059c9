#!/bin/bash
# No private key lies among the sources: tests make theirs when they run, so that none is ever mistaken for one in use
# (MCM_API 13.9). What only looks like the beginning of one, for a refusal, has no key behind it.
#   tests/lint/private_keys.sh [FOLDER]
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
cd "$lint_root"

# PEM with a line of a key; and files whose name says that they hold one.
readonly pem='-----BEGIN [A-Z ]*PRIVATE KEY-----(\s|\\n|\\r|[A-Za-z-]+: [^\n]*)*[A-Za-z0-9+/]{40}'
readonly not_ours=(--exclude-dir=node_modules)
# In the folder itself the README's tour leaves some, which git ignores.
mapfile -t places < <(find . -mindepth 1 -maxdepth 1 ! -name '*.key' ! -name '*.csr' ! -name '*.pem' ! -name .git ! -name build ! -name var)
((${#places[@]} > 0)) || finish
looked_at=$(grep -rlz "${not_ours[@]}" '' "${places[@]}" | wc -l)
while IFS= read -r file; do
  [[ -z $file ]] || finding "$file holds a private key"
done < <(grep -rlzP "${not_ours[@]}" -e "$pem" "${places[@]}" || true)
while IFS= read -r file; do
  [[ -z $file ]] || finding "$file is a file for a private key"
done < <(grep -rlz "${not_ours[@]}" --include='*.key' --include='*.p12' --include='*.pfx' --include='*.p8' --include='*.jks' '' "${places[@]}" || true)
finish
