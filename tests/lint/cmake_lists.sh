#!/bin/bash
# A CMakeLists.txt is the table of contents of its folder: every source and header of a program is
# named in the list of its own folder or of one above it, a suite in Python in its folder's, and no list names a file that is not there.
#   tests/lint/cmake_lists.sh [FOLDER]
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
cd "$lint_root"

# The words of a list that are names of files, comments and <headers> left out.
words_of() {
  sed -e 's/#.*//' -e 's/<[^>]*>//g' "$1" | tr -s ' \t();"=' '\n' |
    grep -E '\.(cpp|c|h|h\.in|cmake|sql|py|sh)$' || true
}

declare -A listed=() # by a list of its own folder or of one above
while IFS= read -r list; do
  folder=$(dirname "$list")
  while IFS= read -r word; do
    [[ -n $word ]] || continue
    path=${word//'${CMAKE_CURRENT_SOURCE_DIR}'/$folder}
    [[ $path == "$word" ]] && path=$folder/$word
    [[ $word == '${PROJECT_SOURCE_DIR}/'* ]] && path=${word#'${PROJECT_SOURCE_DIR}/'}
    # Made while configuring or building, or named by a variable.
    [[ $path != *'$'* && $word != generated/* ]] || continue
    path=${path#./}
    looked_at=$((looked_at + 1))
    [[ $folder != . && $path != "${folder#./}"/* ]] || listed[$path]=yes
    # Scripts may be named from the root, where the test that runs them starts.
    [[ -e $path || ($word == *.sh && -e $word) ]] || finding "$list names $word, which is not there"
  done < <(words_of "$list")
done < <(find . \( -path './build*' -o -path './var' -o -path './.git' \) -prune -o -name CMakeLists.txt -print | sort)

while IFS= read -r file; do
  [[ -n ${listed[$file]-} ]] || finding "$file is in no CMakeLists.txt of its folder or above it"
done < <(source_folders | grep -vx tests | xargs -I{} find {} -name '*.cpp' -o -name '*.c' -o -name '*.h' | sort)

# A suite in Python is run by the list of its folder.
while IFS= read -r file; do
  name=$(basename "$file" .py)
  grep -qwE "$name|${name%_test}" "$(dirname "$file")/CMakeLists.txt" || finding "$file is a suite that no CMakeLists.txt runs"
done < <(grep -lrE '^    ([a-z]+_support\.|unittest\.)?main\(' --include='*.py' tests/integration tests/e2e 2>/dev/null |
  xargs -r grep -l '^if __name__' | sort)
finish
