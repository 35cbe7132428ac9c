# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and z.ndim == 2 and z.shape[0] == 64 and z.shape[1] == 100 and z.shape[0] * x.shape[1] < 2147483648 and z.shape[0] * z.shape[1] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "y_kernel"
# grid = ["cdiv(z.shape[0] * x.shape[1], THREADS * 16)"]
# args = ["z.shape[0]", "x.shape[1]", "f32(min(400, x.shape[1]))", "x", "z", "z.shape[1]", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < z.shape[0], j < x.shape[1]
@triton.jit
def y_kernel(I, J, s_count_value, x_from, z_from, z_limit, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + at, mask=inside)
    j_index = j.to(tl.float32)
    s_ = j_index < s_count_value
    s_2 = j_index >= 300.0
    s_3 = s_2 & s_
    z_ = tl.load(z_from + -300 + j + i * z_limit, mask=(j + -300 >= 0) & (j + -300 < z_limit) & inside, other=0.0)
    r_ = tl.where(z_ < 0.0, 0.0, z_)
    s_4 = tl.where(s_3, r_, x_)
    y_1 = s_4 * 2.0
    tl.store(out_to + at, y_1, mask=inside)
