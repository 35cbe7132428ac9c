#!/usr/bin/env bash
# Format, include order, clang-tidy. FIX=1 formats instead of complaining.
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

scripts/tidy.py
