# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 32 and x.shape[1] == 8 and x.shape[2] == 7 and x.shape[3] == 7"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "group_norm_kernel"
# grid = ["cdiv(x.shape[0] * 4, (THREADS // 16))"]
# args = ["x.shape[0]", 4, "x.shape[1] // 4", "x.shape[2] * x.shape[3]", "x", "f32(x.shape[2] * x.shape[3] * (x.shape[1] // 4))", "w", "b", "out"]
# constexpr = { LENGTH = "next_pow2((x.shape[1] // 4) * x.shape[2] * x.shape[3])", ROWS = "THREADS // 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < 4, k < x.shape[1] // 4, l < x.shape[2] * x.shape[3]
@triton.jit
def group_norm_kernel(I, J, K, L, x_from, group_norm_count_value, w_from, b_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I * J
    i = row // J
    j = row % J
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < K * L
    x_ = tl.load(x_from + i * J * K * L + j * K * L + at, mask=inside & valid)
    group_norm_1 = tl.sum(tl.where(inside, x_, 0.0).to(tl.float64), 1, keep_dims=True)
    group_norm_2 = group_norm_1 / group_norm_count_value
    group_norm_3 = x_ - group_norm_2.to(tl.float32)
    group_norm_4 = group_norm_3 * group_norm_3
    group_norm_5 = tl.sum(tl.where(inside, group_norm_4, 0.0).to(tl.float64), 1, keep_dims=True)
    group_norm_6 = group_norm_5 / group_norm_count_value
    group_norm_7 = group_norm_6 + 1e-05
    group_norm_8 = 1.0 / tl.sqrt_rn(group_norm_7.to(tl.float32))
    k = at // L
    l = at % L
    group_norm_9 = group_norm_3 * group_norm_8
    w_ = tl.load(w_from + j * K + k, mask=inside & valid)
    group_norm_10 = group_norm_9 * w_
    b_ = tl.load(b_from + j * K + k, mask=inside & valid)
    group_norm_11 = group_norm_10 + b_
    tl.store(out_to + i * J * K * L + j * K * L + at, group_norm_11, mask=inside & valid)
