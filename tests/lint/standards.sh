#!/bin/bash
# docs/STANDARDS.md against the tests: a test that it names exists, a test whose name begins with an
# id stands in the rows of these ids, and a row with a dash has no such test.
#   tests/lint/standards.sh [FOLDER]
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
cd "$lint_root"
page=docs/STANDARDS.md
[[ -f $page ]] || {
  finding "there is no $page"
  finish
}

# The names of tests with an id in them: Boost.Test cases and Python methods.
tests=$(grep -rhoE '(TEST_CASE\(|def test_)(PKI|JWS)_[A-Za-z0-9_]+' tests --include='*.cpp' --include='*.py' |
  sed -e 's/TEST_CASE(//' -e 's/def //' | sort -u)

row_of() { # ID
  grep -E "^\| $1 \|" "$page" || true
}

while read -r test; do
  [[ -n $test ]] || continue
  looked_at=$((looked_at + 1))
  for id in $(grep -oE '(PKI|JWS)_[0-9]+' <<<"$test" | tr _ -); do
    row=$(row_of "$id")
    if [[ -z $row ]]; then
      finding "$test: $page has no $id"
    elif [[ $row != *"\`$test\`"* ]]; then
      finding "$test proves $id, and $page does not name it there"
    fi
  done
done <<<"$tests"

while read -r named; do
  looked_at=$((looked_at + 1))
  grep -qxF "$named" <<<"$tests" || finding "$page names the test $named, which does not exist"
done < <(grep -oE '`(test_)?(PKI|JWS)_[A-Za-z0-9_]+`' "$page" | tr -d '`' | sort -u)

while IFS= read -r row; do
  looked_at=$((looked_at + 1))
  [[ $row == *'| - |' || $row =~ \`(test_)?(PKI|JWS)_ ]] || finding "$page: neither a test nor a dash: ${row:0:60}"
done < <(grep -E '^\| (PKI|JWS)-[0-9]+ \|' "$page")
finish
