"""Plays a language model for tests: reads a prompt as `--synthesizer command:` sends it, answers as models do.

It knows one problem (tests/cases/problems/softsign_row_mean.py) and makes the mistakes of its kind: C++ that does not
compile, wrong formulas, plans that cannot be read, prose without a candidate, what was written before. What it writes
depends on the prompt alone. A mistake that it is told of it mends.
"""

import hashlib
import re
import sys

prompt = sys.stdin.read()
draw = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big")


def take(n):
    global draw
    draw, rest = divmod(draw, n)
    return rest


def source(rows, accumulators, chunk, function, tail=True, bug=""):
    names = [f"s{i}" for i in range(accumulators)]
    step = 16 * accumulators
    work = "\n".join(
        f"        {{ const f32x16 z = value(p + i + {16 * k}, q + i + {16 * k}, slope); {name} = fma16(z, z, {name}); }}"
        for k, name in enumerate(names)
    )
    value = {
        "vector": "return tanh16(load16(p) * splat16(slope)) + sigmoid16(load16(q));",
        "exp": "const f32x16 e = exp16(load16(p) * splat16(2.0f * slope));\n"
        "  return splat16(1.0f) - splat16(2.0f) / (e + splat16(1.0f)) + sigmoid16(load16(q));",
        "scalar": "f32x16 z;\n  for (int k = 0; k < 16; ++k) z[k] = tanhf(p[k] * slope) + 1.0f / (1.0f + expf(-q[k]));\n  return z;",
    }[function]
    if bug == "wrong":
        value = value.replace("sigmoid16(load16(q))", "tanh16(load16(q))").replace("expf(-q[k])", "expf(q[k])")
    if bug == "compile":
        work = work.replace("fma16(z, z,", "fma16(z * , z,", 1)
    mean = "n" if bug != "scale" else "(n + 1)"
    grid = "cdiv(x.shape[0], ROWS)" if bug != "plan" else "cdiv(x.shape[0], ROWZ)"
    rest = f"""    for (int64_t i = whole; i < n; ++i) {{
      const float z = tanh1(p[i] * slope) + sigmoid1(q[i]);
      sum += static_cast<double>(z * z);
    }}
""" if tail else ""
    return f"""/* /// kerf
version = 1
supports = "x.ndim == 2 and y.ndim == 2"
[tune]
ROWS = [{", ".join(str(r) for r in rows)}]
[[step]]
launch = "row_mean"
grid = ["{grid}"]
args = ["x", "y", "out", "x.shape[0]", "x.shape[1]", "init.slope"]
/// */

static inline f32x16 value(const float* p, const float* q, float slope) {{
  {value}
}}

extern "C" void row_mean(const float* __restrict__ x, const float* __restrict__ y, float* __restrict__ out,
                         int64_t rows, int64_t n, float slope, int64_t block) {{
  const int64_t last = (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
  const int64_t whole = n - n % {step};
  for (int64_t row = block * ROWS; row < last; ++row) {{
    const float* p = x + row * n;
    const float* q = y + row * n;
    double sum = 0;
    for (int64_t begin = 0; begin < whole; begin += {chunk}) {{
      f32x16 {", ".join(f"{name} = splat16(0.0f)" for name in names)};
      const int64_t end = begin + {chunk} < whole ? begin + {chunk} : whole;
      for (int64_t i = begin; i < end; i += {step}) {{
{work}
      }}
      sum += {" + ".join(f"sum16({name})" for name in names)};
    }}
{rest}    out[row] = static_cast<float>(sum / static_cast<double>({mean}));
  }}
}}
"""


def answer(text, change, why):
    print(f"{why}\n\nChange: {change}\n\n```cpp\n{text}```")


rows = [[1, 4], [2], [1], [4, 8], [1, 2, 4, 8], [8, 16], [3], [6, 12]][take(8)]
accumulators = [1, 2, 4][take(3)]
chunk = [512, 1024, 2048, 4096][take(4)]
function = ["vector", "exp", "vector", "scalar", "exp"][take(5)]
words = f"{accumulators} accumulators, chunks of {chunk}, {function} arithmetic, ROWS in {rows}"

turns = prompt.count("Your last candidate failed")
edited = re.findall(r"^ROWS = \[[^\]\n]*\]$", prompt.split("Your last candidate failed")[-1], re.M)
if turns > 0 and take(4) > 0:
    answer(source(rows, accumulators, chunk, function), words, "I see what was wrong; here is the whole source, mended.")
elif edited and take(3) == 0:
    line = edited[-1]
    new = f"ROWS = [{', '.join(str(r + take(3)) for r in rows)}]"
    print(f"Only the blocking changes.\n\nChange: other blocks of rows\n\n```\n<<<<<<< SEARCH\n{line}\n=======\n{new}\n>>>>>>> REPLACE\n```")
else:
    kind = take(16)
    if kind == 0:
        print("The kernel is bound by the exponentials. I would look at their throughput first, then at the loads.")
    elif kind in (1, 2, 3):
        answer(source(rows, accumulators, chunk, function, bug="compile"), words, "This should hide the latency better.")
    elif kind in (4, 5):
        answer(source(rows, accumulators, chunk, function, bug="wrong"), words, "A cheaper form of the same function.")
    elif kind == 6:
        answer(source(rows, accumulators, chunk, function, bug="scale"), words, "The mean, folded into the sum.")
    elif kind == 7:
        answer(source(rows, accumulators, chunk, function, bug="plan"), words, "Another grid.")
    elif kind == 8:
        answer(source(rows, accumulators, chunk, function, tail=False), words, "Without the remainder loop.")
    else:
        answer(source(rows, accumulators, chunk, function), words, "Fused into one pass over both inputs.")
