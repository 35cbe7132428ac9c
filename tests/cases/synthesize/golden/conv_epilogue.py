# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16 and (x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16)"
# [tune]
# THREADS = [128, 256]
# [[scratch]]
# name = "conv2d"
# dtype = "f32"
# shape = ["x.shape[0]", "x.ndim", "out.shape[2]", "out.shape[2]"]
# [[step]]
# call = "aten.conv2d.default"
# args = ["x", "conv.weight"]
# out = "conv2d"
# [[step]]
# launch = "add_kernel"
# grid = ["cdiv(conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3], THREADS * 16)"]
# args = ["conv2d.shape[0]", "conv2d.shape[1]", "conv2d.shape[2] * conv2d.shape[3]", "conv2d", "bias", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < conv2d.shape[0], j < conv2d.shape[1], k < conv2d.shape[2] * conv2d.shape[3]
@triton.jit
def add_kernel(I, J, K, conv2d_from, bias_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    conv2d = tl.load(conv2d_from + at, mask=inside)
    relu = tl.where(conv2d < 0.0, 0.0, conv2d)
    bias = tl.load(bias_from + j, mask=inside)
    add = relu + bias
    tl.store(out_to + at, add, mask=inside)
