# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 32 and x.shape[3] == 16 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "add_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3], THREADS * 1)"]
# args = ["x.shape[0] * x.shape[1] * x.shape[2]", "x.shape[3]", "f32(x.shape[3] - 8)", "x", "0 - x.shape[3] + 8", "out"]
# constexpr = { BLOCK = "THREADS * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]
@triton.jit
def add_kernel(I, J, turned_count_value, x_from, x_1_shift, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + at, mask=inside)
    o_index = j.to(tl.float32)
    x_1 = tl.load(x_from + x_1_shift + at, mask=(j + x_1_shift >= 0) & inside, other=0.0)
    x_2 = tl.load(x_from + 8 + at, mask=(j + 8 < J) & inside, other=0.0)
    neg = -(x_2)
    turned = o_index < turned_count_value
    turned_1 = tl.where(turned, neg, x_1)
    rates_2 = o_index * 1.0
    rates_3 = -8.0 + rates_2
    scaled_1 = rates_3 * -0.5
    rate = tl.exp(scaled_1)
    rates_5 = 0.0 + rates_2
    scaled_2 = rates_5 * -0.5
    rate_1 = tl.exp(scaled_2)
    rates_7 = o_index < 8.0
    rates_8 = tl.where(rates_7, rate_1, rate)
    mul = turned_1 * rates_8
    add = x_ + mul
    tl.store(out_to + at, add, mask=inside)
