# expect measured: the plain kernel in Gluon, after all that
# /// kerf
# version = 1
# [[step]]
# launch = "relu"
# grid = ["cdiv(numel(x), 1024)"]
# args = ["x", "out", "numel(x)"]
# constexpr = { BLOCK = 1024 }
# ///
from triton.experimental import gluon
from triton.experimental.gluon import language as gl


@gluon.jit
def relu(x, out, n, BLOCK: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([4], [32], [4], [0])
    i = gl.program_id(0).to(gl.int64) * BLOCK + gl.arange(0, BLOCK, layout=layout)
    v = gl.load(x + i, mask=i < n, other=0.0)
    gl.store(out + i, gl.where(v < 0.0, 0.0, v), mask=i < n)
