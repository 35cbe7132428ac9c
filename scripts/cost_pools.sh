#!/usr/bin/env bash
# Pools of recipes for `kerf cost`, drawn by lot and measured twice: what the cost model is judged by, and what its
# features were chosen by (docs/results/cost_model.md).
#
#     scripts/cost_pools.sh KERF SUITE.jsonl SIZES.json OUT [SHARDS]
#
# Needs a quiet machine with two cores a shard (10 shards) and takes under eight minutes. Each shard has two cores and
# measures every tenth problem, each in two sessions that draw the same recipes, the second after all of the first.
# OUT holds a store a shard and, at the end, OUT.tar holds OUT. Run again with the same OUT, recipes are measured twice more.
set -euo pipefail

# Features, deviations and formulas may be chosen by these, which the model was chosen by before …
train="1/21 1/26 1/35 1/36 1/40 1/41 1/45 1/46 1/51 1/85 1/95 1/96 2/1 2/11 2/16 2/21 2/41 2/56 2/60 2/81"
# … and not by these.
held_out="1/5 1/20 1/25 1/30 1/31 1/86 1/90 1/91 1/100 2/5 2/10 2/15 2/25 2/30 2/35 2/40 2/45 2/50 2/75 2/95"
recipes=24
first_s=58 second_s=32  # of a session, beyond the problem's admission
limit_s=465             # of all, calibration included

[[ $# -ge 4 ]] || { sed -n '2,9p' "$0" | cut -c3- >&2; exit 2; }
kerf=$(realpath "$1") suite=$(realpath "$2") sizes=$(realpath "$3") out=$(realpath -m "$4") shards=${5:-10}
mkdir -p "$out"

taskset -c 0,1 "$kerf" doctor --calibrate --store "$out/calibrated.db" >"$out/doctor.txt" 2>&1 || true

measure() { # SHARD PROBLEM SECONDS
  local left=$((limit_s - SECONDS))
  ((left > 20)) || { echo "no time left for $2"; return 0; }
  timeout --signal INT "$left" taskset -c "$((2 * $1)),$((2 * $1 + 1))" \
    "$kerf" optimize "$suite#$2" --sizes "$sizes" --target cpu --synthesizer random --policy best-of-n --seed 1 \
    --budget "${recipes}candidates,$3s" --confirm 0 --jobs 2 --progress none \
    --store "$out/shard$1.db" --out "$out/tmp$1" >>"$out/shard$1.txt" 2>&1 || echo "shard $1: $2 ended with $?"
}

shard() {
  local problems=() n=0 problem
  for problem in $train $held_out; do ((n++ % shards == $1)) && problems+=("$problem"); done
  [[ -e "$out/shard$1.db" ]] || cp "$out/calibrated.db" "$out/shard$1.db"
  for problem in "${problems[@]}"; do measure "$1" "$problem" "$first_s"; done
  for problem in "${problems[@]}"; do measure "$1" "$problem" "$second_s"; done
}

for ((s = 0; s < shards; ++s)); do shard "$s" & done
wait
rm -rf "$out"/tmp* "$out"/calibrated.db*
tar -C "$(dirname "$out")" -cf "$out.tar" "$(basename "$out")"
echo "$out.tar after $SECONDS s"
