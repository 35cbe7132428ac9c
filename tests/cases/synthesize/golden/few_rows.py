# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 512 and (x.shape[0] == 16 and x.shape[1] == 512)"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "linear_product_turned"
# dtype = "f32"
# shape = ["out.shape[1]", "x.shape[0]"]
# [[step]]
# call = "aten.t.default"
# args = ["x"]
# out = "linear_product_input"
# [[step]]
# call = "aten.mm.default"
# args = ["w", "linear_product_input"]
# out = "linear_product_turned"
# [[step]]
# launch = "gelu_kernel"
# grid = ["cdiv(linear_product_turned.shape[1], 16) * cdiv(linear_product_turned.shape[0], 256)"]
# args = ["cdiv(linear_product_turned.shape[1], 16)", "cdiv(linear_product_turned.shape[0], 256)", "linear_product_turned.shape[1]", "linear_product_turned.shape[0]", "linear_product_turned", "linear_product_turned.shape[1]", "b", "out"]
# constexpr = { ROWS = 16, BLOCK = 256 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < linear_product_turned.shape[1], j < linear_product_turned.shape[0]
@triton.jit
def gelu_kernel(strips, pieces, I, J, linear_product_turned_from, linear_product_turned_stride_j, b_from, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    i = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = i < I
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < J
    linear_product_turned = tl.load(linear_product_turned_from + i + at * linear_product_turned_stride_j, mask=inside & valid)
    b_ = tl.load(b_from + at, mask=inside)
    linear = linear_product_turned + b_
    gelu_1 = linear * 0.7071067811865475
    gelu_2 = tl.erf(gelu_1)
    gelu_4 = gelu_2 + 1.0
    gelu_6 = linear * 0.5
    gelu_7 = gelu_6 * gelu_4
    tl.store(out_to + i * J + at, gelu_7, mask=inside & valid)
