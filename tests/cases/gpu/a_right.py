# expect measured: the plain kernel in Triton
# /// kerf
# version = 1
# [[step]]
# launch = "relu"
# grid = ["cdiv(numel(x), 1024)"]
# args = ["x", "out", "numel(x)"]
# constexpr = { BLOCK = 1024 }
# ///
import triton
import triton.language as tl


@triton.jit
def relu(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i, mask=i < n)
    tl.store(out + i, tl.where(v < 0.0, 0.0, v), mask=i < n)
