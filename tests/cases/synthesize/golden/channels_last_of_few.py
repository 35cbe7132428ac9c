# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44 and (x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44)"
# [tune]
# THREADS = [128, 256]
# [[scratch]]
# name = "conv_last"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[2]", "out.shape[2]", "out.shape[3]"]
# [[step]]
# call = "aten.clone.default"
# args = ["conv.weight"]
# kwargs = { memory_format = "channels_last" }
# out = "conv_weight"
# [[step]]
# call = "aten.conv2d.default"
# args = ["x", "conv_weight"]
# out = "conv_last"
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(conv_last.shape[0] * conv_last.shape[1] * conv_last.shape[2] * conv_last.shape[3], THREADS * 8)"]
# args = ["conv_last.shape[0]", "conv_last.shape[1]", "conv_last.shape[2] * conv_last.shape[3]", "conv_last", "conv_last.stride[3]", "conv_last.stride[1]", "conv_last.stride[0]", "out"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < conv_last.shape[0], j < conv_last.shape[1], k < conv_last.shape[2] * conv_last.shape[3]
@triton.jit
def relu_kernel(I, J, K, conv_last_from, conv_last_stride_k, conv_last_stride_j, conv_last_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    conv_last = tl.load(conv_last_from + k * conv_last_stride_k + j * conv_last_stride_j + i * conv_last_stride_i, mask=inside)
    relu = tl.where(conv_last < 0.0, 0.0, conv_last)
    tl.store(out_to + at, relu, mask=inside)
