#!/bin/bash
# docs/STANDARDS.md against the tests: a test that it names exists, a test whose name begins with the id of a row
# stands in that row, and a row with a dash has no such test. A row's id is what stands in its first cell up to a comma
# or " to ", with an underscore for whatever is no letter and no digit: "RFC 5280 4.1.2.2, CA/B ..." is RFC_5280_4_1_2_2.
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

declare -A tests_of=() name_of=() # by id: the last cell of its row; the id as the page writes it
while IFS= read -r row; do
  name=${row#| }
  name=${name%% |*}
  name=${name%%,*}
  name=${name%% to *}
  [[ $name != id && $name != source && $name != --- ]] || continue
  looked_at=$((looked_at + 1))
  id=${name//[^A-Za-z0-9]/_}
  cell=${row% |}
  cell=${cell##*| }
  [[ -z ${name_of[$id]-} ]] || finding "$page: two rows of $name"
  [[ $cell == - || $cell == '`'* ]] || finding "$page: neither a test nor a dash: ${row:0:60}"
  name_of[$id]=$name
  tests_of[$id]=$cell
done < <(grep -E '^\| ' "$page")

# The ids that a test's name begins with, one after the other: PKI_3_and_PKI_4_..., the longest that there is.
ids_of() { # TEST
  local rest=${1#test_} id best
  while :; do
    best=
    for id in "${!name_of[@]}"; do
      [[ $rest != "$id"_* || ${#id} -le ${#best} ]] || best=$id
    done
    [[ -n $best ]] || return 0
    echo "$best"
    rest=${rest#"$best"_}
    rest=${rest#and_}
  done
}

# Boost.Test cases and Python methods that begin as an id does, known or not.
families=$(printf '%s\n' PKI JWS RFC CA_B NIST PKCS C2SP "${!name_of[@]}" | paste -sd '|')
tests=$(grep -rhoE "(TEST_CASE\(|def test_)($families)_[A-Za-z0-9_]+" tests --include='*.cpp' --include='*.py' |
  sed -e 's/TEST_CASE(//' -e 's/def //' | sort -u)

while read -r test; do
  [[ -n $test ]] || continue
  looked_at=$((looked_at + 1))
  ids=$(ids_of "$test")
  [[ -n $ids ]] || finding "$test: $page has no row of this id"
  for id in $ids; do
    [[ ${tests_of[$id]} == *"\`$test\`"* ]] || finding "$test proves ${name_of[$id]}, and $page does not name it there"
  done
done <<<"$tests"

for id in "${!tests_of[@]}"; do
  # shellcheck disable=SC2016  # a pattern it is
  while read -r named; do
    looked_at=$((looked_at + 1))
    grep -qxF "$named" <<<"$tests" || finding "$page names the test $named, which does not exist"
    grep -qxF "$id" <<<"$(ids_of "$named")" || finding "$page: $named does not bear the id of ${name_of[$id]}"
  done < <(grep -oE '`[^`]+`' <<<"${tests_of[$id]}" | tr -d '`')
done
finish
