# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64 and (x.shape[0] * (x.shape[1] + y.shape[1])) * x.shape[2] * x.shape[3] < 2147483648 and (x.shape[1] + y.shape[1]) * x.shape[3] * x.shape[2] < 2147483648 and x.shape[0] * y.shape[1] * x.shape[3] * x.shape[2] < 2147483648 and x.shape[0] * x.shape[1] * x.shape[3] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "mul_kernel"
# grid = ["cdiv((x.shape[0] * (x.shape[1] + y.shape[1])) * x.shape[2] * x.shape[3], THREADS * 16)"]
# args = ["x.shape[0]", "x.shape[1] + y.shape[1]", "x.shape[2] * x.shape[3]", "f32(x.shape[1])", "y", "0 - x.shape[1]", "x.shape[3] * x.shape[2]", "y.shape[1] * x.shape[3] * x.shape[2]", "x", "x.shape[1]", "x.shape[1] * x.shape[3] * x.shape[2]", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1] + y.shape[1], k < x.shape[2] * x.shape[3]
@triton.jit
def mul_kernel(I, J, K, cat_count_value, y_from, y_shift, y_step, y_stride_i, x_from, x_limit, x_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    o_index = j.to(tl.float32)
    y_ = tl.load(y_from + y_shift * y_step + k + j * y_step + i * y_stride_i, mask=(j + y_shift >= 0) & inside, other=0.0)
    x_ = tl.load(x_from + k + j * y_step + i * x_stride_i, mask=(j < x_limit) & inside, other=0.0)
    relu = tl.where(x_ < 0.0, 0.0, x_)
    cat = o_index < cat_count_value
    cat_1 = tl.where(cat, relu, y_)
    mul_1 = cat_1 * 0.5
    tl.store(out_to + at, mul_1, mask=inside)
