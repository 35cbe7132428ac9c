// Functions that generated Triton kernels call.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "synthesize/builtin/emit/triton.h"

namespace kerf {
namespace {

struct Helper {
  const char* name;
  const char* needs;
  const char* text;
};

constexpr std::array helpers = {
    Helper{"greater", "", R"(
@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)
)"},
    Helper{"smaller", "", R"(
@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)
)"},
    Helper{"times", "", R"(
@triton.jit
def times(a, b):
    return a * b
)"},
    Helper{"further_up", "", R"(
@triton.jit
def further_up(a, i, b, j):  # the larger value and its position; of equal ones the first, NaN beyond every number
    same = (a == b) | ((a != a) & (b != b))
    second = (b > a) | ((b != b) & (a == a)) | (same & (j < i))
    return tl.where(second, b, a), tl.where(second, j, i)
)"},
    Helper{"further_down", "", R"(
@triton.jit
def further_down(a, i, b, j):  # the smaller value and its position; of equal ones the first, NaN beyond every number
    same = (a == b) | ((a != a) & (b != b))
    second = (b < a) | ((b != b) & (a == a)) | (same & (j < i))
    return tl.where(second, b, a), tl.where(second, j, i)
)"},
    Helper{"join_moments", "", R"(
@triton.jit
def join_moments(n, mean, squares, m, other, more):  # counts, means, sums of squares of deviations from them
    both = n + m
    share = tl.where(both > 0, m / tl.where(both > 0, both, 1.0), 0.0)
    apart = other - mean
    return both, mean + apart * share, squares + more + apart * apart * n * share
)"},
    Helper{"join_exponentials", "greater", R"(
@triton.jit
def join_exponentials(top, total, other, more):  # largest values, sums of exp(value - largest)
    highest = greater(top, other)
    level = tl.where(highest == -float("inf"), 0.0, highest)
    return highest, total * tl.exp(top - level) + more * tl.exp(other - level)
)"},
    // Tensor cores cut factors off; this rounds them as cuDNN does, and leaves NaN alone.
    Helper{"to_tf32", "", R"(
@triton.jit
def to_tf32(x):
    bits = x.to(tl.int32, bitcast=True)
    return tl.where(x == x, ((bits + 4096) & -8192).to(tl.float32, bitcast=True), x)
)"},
    // What is left of a number is exact. TF32 has 11 bits, the sum of both parts 22; bf16 has 8, three parts all 24.
    Helper{"dot_in_two_parts", "", R"(
@triton.jit
def first_11_bits(x):
    return (x.to(tl.int32, bitcast=True) & -8192).to(tl.float32, bitcast=True)


@triton.jit
def dot_in_two_parts(a, b, total):
    a1 = first_11_bits(a)
    b1 = first_11_bits(b)
    sums = tl.dot(a - a1, b1, input_precision="tf32")
    sums = tl.dot(a1, b - b1, sums, input_precision="tf32")
    return total + tl.dot(a1, b1, sums, input_precision="tf32")
)"},
    // Rounded, parts have 24 bits, as f32 has, where the logits of a softmax make absolute errors relative ones.
    Helper{"dot_in_two_rounded_parts", "to_tf32", R"(
@triton.jit
def dot_in_two_rounded_parts(a, b, total):
    a1 = to_tf32(a)
    b1 = to_tf32(b)
    sums = tl.dot(to_tf32(a - a1), b1, input_precision="tf32")
    sums = tl.dot(a1, to_tf32(b - b1), sums, input_precision="tf32")
    return total + tl.dot(a1, b1, sums, input_precision="tf32")
)"},
    Helper{"three_parts", "", R"(
@triton.jit
def first_8_bits(x):
    return (x.to(tl.int32, bitcast=True) & -65536).to(tl.float32, bitcast=True)


@triton.jit
def three_parts(x):
    first = first_8_bits(x)
    second = first_8_bits(x - first)
    return first.to(tl.bfloat16), second.to(tl.bfloat16), (x - first - second).to(tl.bfloat16)
)"},
    Helper{"dot_of_parts", "", R"(
@triton.jit
def dot_of_parts(a1, a2, a3, b1, b2, b3, total):  # of what is below, the products of 2^-24 and less are left out
    sums = tl.dot(a3, b1)
    sums = tl.dot(a1, b3, sums)
    sums = tl.dot(a2, b2, sums)
    sums = tl.dot(a2, b1, sums)
    sums = tl.dot(a1, b2, sums)
    return total + tl.dot(a1, b1, sums)
)"},
    // Cephes' polynomial below 0.625, where the quotient cancels.
    Helper{"tanh", "", R"(
@triton.jit
def tanh(x):
    s = x * x
    near = ((((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
            - 3.33332819422e-1) * s * x + x
    far = 1.0 - 2.0 / (tl.exp(2.0 * tl.abs(x)) + 1.0)
    return tl.where(tl.abs(x) < 0.625, near, tl.where(x < 0.0, -far, far))
)"},
    // What rounding 1 + x loses is made good by the quotient (Kahan).
    Helper{"log1p", "", R"(
@triton.jit
def log1p(x):
    u = 1.0 + x
    exact = (u == 1.0) | (u == float("inf"))
    return tl.where(exact, tl.where(u == 1.0, x, u), tl.log(u) * (x / tl.where(exact, 1.0, u - 1.0)))
)"},
    Helper{"expm1", "", R"(
@triton.jit
def expm1(x):
    u = tl.exp(x)
    exact = (u == 1.0) | (x > 16.0) | (x < -16.0)
    near = (u - 1.0) * (x / tl.log(tl.where(exact, 2.0, u)))
    return tl.where(u == 1.0, x, tl.where(exact, u - 1.0, near))
)"},
    Helper{"softplus", "log1p", R"(
@triton.jit
def softplus(x):
    return tl.where(x > 0.0, x, 0.0) + log1p(tl.exp(-tl.abs(x)))
)"},
    Helper{"power", "", R"(
@triton.jit
def power(x, y):
    wide = y + x * 0.0
    size = tl.exp2(wide.to(tl.float64) * tl.log2(tl.abs(x + y * 0.0).to(tl.float64))).to(tl.float32)
    half = wide * 0.5
    odd = tl.where(tl.floor(half) == half, size, -size)  # where the exponent is whole
    signed = tl.where(x < 0.0, tl.where(tl.floor(wide) == wide, odd, float("nan")), size)
    signed = tl.where(x == 1.0, 1.0, signed)  # no masks are joined: either may be a number
    return tl.where(y == 0.0, 1.0, signed)
)"},
};

}  // namespace

std::string triton_helpers(const std::vector<std::string>& used) {
  const auto among = [](const std::string& names, const std::string& name) {
    return (" " + names + " ").find(" " + name + " ") != std::string::npos;
  };
  std::vector<std::string> wanted = used;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    for (const Helper& helper : helpers)
      if (wanted[i] == helper.name)
        for (const Helper& other : helpers)
          if (among(helper.needs, other.name) && std::ranges::find(wanted, other.name) == wanted.end())
            wanted.emplace_back(other.name);
  std::string text = "import triton\nimport triton.language as tl\n";
  for (const Helper& helper : helpers)
    if (std::ranges::find(wanted, helper.name) != wanted.end()) text += std::string("\n") + helper.text;
  return text;
}

}  // namespace kerf
