#!/usr/bin/env bash
# Format, include order, clang-tidy. FIX=1 formats instead of complaining. Only files that changed since their last clean
# clang-tidy run are looked at again (build/tidy holds a stamp for each).
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard 'src/*.cc' 'src/*.h' 'tests/*.cc' 'bench/*.cc' | grep -v '^src/target/[a-z]*/prelude/')
if [[ ${FIX:-} ]]; then clang-format-19 -i "${files[@]}"; else
  echo "lint: format of ${#files[@]} files"
  clang-format-19 --dry-run --Werror "${files[@]}" || { echo "lint: run FIX=1 make lint" >&2; exit 1; }
fi

echo "lint: include order, one definition, file sizes"
scripts/include_order.py
scripts/one_definition.py
long=$(git ls-files '*.cc' '*.h' '*.py' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines" }')
[[ -z $long ]] || { echo "$long" >&2; echo "lint: no file over 800 lines" >&2; exit 1; }

mkdir -p build/tidy
# A source's verdict depends on the sources, headers and checks: one digest for all headers is coarse and safe.
headers=$(git ls-files --cached --others --exclude-standard 'src/*.h' .clang-tidy | sort | xargs cat | sha256sum | cut -d' ' -f1)
todo=()
for file in "${files[@]}"; do
  [[ $file == src/*.cc && $file != */bridge/* && $file != *_test.cc && $file != *_fuzz.cc ]] || continue
  stamp=build/tidy/$(printf '%s %s' "$headers" "$(sha256sum "$file")" | sha256sum | cut -d' ' -f1)
  [[ -e $stamp ]] || todo+=("$file $stamp")
done
echo "lint: clang-tidy on ${#todo[@]} files"
((${#todo[@]})) || exit 0
printf '%s\n' "${todo[@]}" | xargs -P "$(nproc)" -L 1 bash -c 'clang-tidy-19 -p build --quiet "$0" 2>/dev/null && touch "$1" || { echo "lint: $0" >&2; exit 1; }'
