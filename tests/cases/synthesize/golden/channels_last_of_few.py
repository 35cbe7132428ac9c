# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44 and (x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44)"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "conv_places"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[2]", "out.shape[3]", "x.shape[2]"]
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
# call = "aten.movedim.int"
# args = ["conv_last", 1, -1]
# out = "conv_places"
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(conv_places.shape[3], 32) * cdiv(conv_places.shape[1] * conv_places.shape[2], 128) * conv_places.shape[0]"]
# args = ["cdiv(conv_places.shape[3], 32)", "cdiv(conv_places.shape[1] * conv_places.shape[2], 128)", "conv_places.shape[3]", "conv_places.shape[1] * conv_places.shape[2]", "conv_places", "conv_places.shape[3]", "out"]
# constexpr = { ROWS = 32, BLOCK = 128 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < conv_places.shape[0], j < conv_places.shape[3], k < conv_places.shape[1] * conv_places.shape[2]
@triton.jit
def relu_kernel(strips, pieces, J, K, conv_places_from, conv_places_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    row = (program // strips // pieces).to(tl.int64)
    i = row
    j = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = j < J
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < K
    conv_places = tl.load(conv_places_from + i * J * K + j + at * conv_places_stride_k, mask=inside & valid)
    relu = tl.where(conv_places < 0.0, 0.0, conv_places)
    tl.store(out_to + i * J * K + j * K + at, relu, mask=inside & valid)
