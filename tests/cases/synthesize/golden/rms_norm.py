# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16 and x.shape[1] * x.shape[3] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [256]
# [[step]]
# launch = "div_kernel"
# grid = ["cdiv(x.shape[2] * x.shape[3], THREADS // 4 * 4) * x.shape[0]"]
# args = ["cdiv(x.shape[2] * x.shape[3], THREADS // 4 * 4)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x", "f32(x.shape[1])", "out"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])", COLUMNS = "THREADS // 4 * 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1], k < x.shape[2] * x.shape[3]
@triton.jit
def div_kernel(pieces, K, J, x_from, mean_count_value, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < J
    x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid)
    pow_1 = x_ * x_
    mean = tl.sum(tl.where(inside, pow_1, 0.0).to(tl.float64), 0, keep_dims=True)
    mean_1 = mean / mean_count_value
    add_1 = mean_1 + 1e-05
    sqrt = tl.sqrt_rn(add_1.to(tl.float32))
    div = x_ / sqrt
    tl.store(out_to + i * J * K + k + at * K, div, mask=inside & valid)
