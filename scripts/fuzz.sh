#!/usr/bin/env bash
# A minute (or FUZZ_SECONDS) of every fuzzer, starting from what tests/cases has.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t names < <(git ls-files 'src/*_fuzz.cc' | xargs -r -n1 basename -s .cc)
ninja -C build/fuzz --quiet "${names[@]}"
for name in "${names[@]}"; do
  room=$(git ls-files "src/*/$name.cc" | cut -d/ -f2)
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  [[ -d tests/cases/$room ]] && seeds=("tests/cases/$room")
  echo "fuzz: $name"
  "build/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=0 -verbosity=0 "build/fuzz/corpus/$name" "${seeds[@]}"
done
