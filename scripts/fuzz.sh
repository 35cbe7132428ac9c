#!/usr/bin/env bash
# A minute (or FUZZ_SECONDS) of every fuzzer, starting from what tests/cases has.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t names < <(git ls-files 'src/*_fuzz.cc' | xargs -r -n1 basename -s .cc)
ninja -C build/fuzz --quiet "${names[@]}"
python3 scripts/fuzz_seeds.py build/fuzz/seeds
for name in "${names[@]}"; do
  room=$(git ls-files "src/*/$name.cc" | cut -d/ -f2)
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  if [[ -d build/fuzz/seeds/$name ]]; then
    seeds=("build/fuzz/seeds/$name")
  elif [[ -d tests/cases/$room ]]; then
    seeds=("tests/cases/$room")
  fi
  echo "fuzz: $name"
  "build/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=0 -verbosity=0 "build/fuzz/corpus/$name" "${seeds[@]}"
done
