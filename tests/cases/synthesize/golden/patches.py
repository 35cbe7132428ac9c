# /// kerf
# version = 1
# supports = "patches.ndim == 3 and patches.shape[0] == 3 and patches.shape[1] == 16 and patches.shape[2] == 32"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "norm_kernel"
# grid = ["cdiv(3 * (1 + patches.shape[1]), (THREADS // 4))"]
# args = [3, "1 + patches.shape[1]", "cls.shape[2]", "cls", "patches", "patches.shape[1] * cls.shape[2]", "place", "f32(cls.shape[2])", "weight", "bias", "out"]
# constexpr = { LENGTH = "next_pow2(cls.shape[2])", ROWS = "THREADS // 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < 3, j < 1 + patches.shape[1], k < cls.shape[2]
@triton.jit
def norm_kernel(I, J, K, cls_from, patches_from, patches_stride_i, place_from, norm_count_value, weight_from, bias_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I * J
    i = row // J
    j = row % J
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < K
    o_index = j.to(tl.float32)
    cat_1 = o_index < 1.0
    cls = tl.load(cls_from + at, mask=inside)
    patches = tl.load(patches_from + i * patches_stride_i + j * K + -1 * K + at, mask=(j + -1 >= 0) & inside & valid, other=0.0)
    cat_2 = tl.where(cat_1, cls, patches)
    place_ = tl.load(place_from + j * K + at, mask=inside & valid)
    add = cat_2 + place_
    norm_1 = tl.sum(tl.where(inside, add, 0.0).to(tl.float64), 1, keep_dims=True)
    norm_2 = norm_1 / norm_count_value
    norm_3 = add - norm_2.to(tl.float32)
    norm_4 = norm_3 * norm_3
    norm_5 = tl.sum(tl.where(inside, norm_4, 0.0).to(tl.float64), 1, keep_dims=True)
    norm_6 = norm_5 / norm_count_value
    norm_7 = norm_6 + 1e-05
    norm_8 = 1.0 / tl.sqrt_rn(norm_7.to(tl.float32))
    norm_9 = norm_3 * norm_8
    weight = tl.load(weight_from + at, mask=inside)
    norm_10 = norm_9 * weight
    bias = tl.load(bias_from + at, mask=inside)
    norm_11 = norm_10 + bias
    tl.store(out_to + i * J * K + j * K + at, norm_11, mask=inside & valid)
