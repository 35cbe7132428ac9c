#: expect ok
#: input x f32[6, 8]
#: output f32[6, 8]
# /// kerf
# version = 1
# [tune]
# W = [4]
# [[step]]
# launch = "k"
# grid = ["x.shape[0]"]
# args = ["x", "out"]
# num_warps = "W"
# constexpr = { N = "next_pow2(x.shape[1])" }
# ///
import triton
@triton.jit
def k(x, out, N): pass
