# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 50 and (x.shape[0] * x.shape[1] * (3 + x.shape[2])) * (x.shape[3] + 3) < 2147483648 and (3 + x.shape[2]) * (0 - x.shape[3] * (-1)) < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "abs_kernel"
# grid = ["cdiv((x.shape[0] * x.shape[1] * (3 + x.shape[2])) * (x.shape[3] + 3), THREADS * 1)"]
# args = ["x.shape[0] * x.shape[1]", "3 + x.shape[2]", "x.shape[3] + 3", "x", "x.shape[3] - 3", "x.shape[3]", "x.shape[2] - 1", "x.shape[3] * (-1)", "x.shape[2] * x.shape[3]", "out"]
# constexpr = { BLOCK = "THREADS * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1], j < 3 + x.shape[2], k < x.shape[3] + 3
@triton.jit
def abs_kernel(I, J, K, x_flipped_from, x_flipped_shift, x_flipped_limit, x_flipped_shift_1, x_flipped_stride_j, x_flipped_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    o_index = k.to(tl.float32)
    roll_1 = o_index < 5.0
    x_flipped = tl.load(x_flipped_from + x_flipped_shift + x_flipped_shift_1 * x_flipped_limit + k + j * x_flipped_stride_j + i * x_flipped_stride_i, mask=(k + x_flipped_shift >= 0) & (k + x_flipped_shift < x_flipped_limit) & (j * -1 + x_flipped_shift_1 >= 0) & inside, other=0.5)
    x_flipped_1 = tl.load(x_flipped_from + -6 + x_flipped_shift_1 * x_flipped_limit + k + j * x_flipped_stride_j + i * x_flipped_stride_i, mask=(k + -6 >= 0) & (k + -6 < x_flipped_limit) & (j * -1 + x_flipped_shift_1 >= 0) & inside, other=0.5)
    roll_flipped = tl.where(roll_1, x_flipped, x_flipped_1)
    abs = tl.abs(roll_flipped)
    tl.store(out_to + at, abs, mask=inside)
