# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 40 and (x.shape[0] * x.shape[1] * (x.shape[2] + 2)) * (x.shape[3] + 5) < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "mul_kernel"
# grid = ["cdiv((x.shape[0] * x.shape[1] * (x.shape[2] + 2)) * (x.shape[3] + 5), THREADS * 16)"]
# args = ["x.shape[0] * x.shape[1]", "x.shape[2] + 2", "x.shape[3] + 5", "f32(x.shape[3] - 1)", "f32(x.shape[2] - 1)", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1], j < x.shape[2] + 2, k < x.shape[3] + 5
@triton.jit
def mul_kernel(I, J, K, pad_count_value, pad_count_1_value, x_picked_from, x_picked_stride_pick1, x_picked_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    o_index = k.to(tl.float32)
    pad_1 = o_index - 2.0
    pad_2 = tl.abs(pad_1)
    pad_3 = pad_count_value - pad_2
    pad_4 = tl.abs(pad_3)
    pad_5 = pad_count_value - pad_4
    o_index_1 = j.to(tl.float32)
    pad_7 = o_index_1 - 1.0
    pad_8 = tl.abs(pad_7)
    pad_9 = pad_count_1_value - pad_8
    pad_10 = tl.abs(pad_9)
    pad_11 = pad_count_1_value - pad_10
    x_picked = tl.load(x_picked_from + pad_5.to(tl.int64) + pad_11.to(tl.int64) * x_picked_stride_pick1 + i * x_picked_stride_i, mask=inside)
    relu_picked = tl.where(x_picked < 0.0, 0.0, x_picked)
    mul_1 = relu_picked * 0.5
    tl.store(out_to + at, mul_1, mask=inside)
