# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[1] <= 16384"
# [[step]]
# launch = "rms_norm"
# grid = ["x.shape[0]"]
# args = ["x", "weight", "out", "x.shape[1]", "init.eps"]
# constexpr = { COLUMNS = "max(512, next_pow2(x.shape[1]))" }
# num_warps = 4
# ///

from triton.experimental import gluon
from triton.experimental.gluon import language as gl


# A program a row: 4 warps of 32 threads, each of which has 4 neighbours in memory of every 512.
@gluon.jit
def rms_norm(x, weight, out, n, eps, COLUMNS: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([4], [32], [4], [0])
    row = gl.program_id(0).to(gl.int64) * n
    column = gl.arange(0, COLUMNS, layout=layout)
    inside = column < n
    value = gl.load(x + row + column, mask=inside, other=0.0)
    scale = gl.load(weight + column, mask=inside, other=0.0)
    mean = gl.sum((value * value).to(gl.float64), axis=0) / n
    gl.store(out + row + column, value / gl.sqrt_rn(mean.to(gl.float32) + eps) * scale, mask=inside)
