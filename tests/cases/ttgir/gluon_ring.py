# A sum over rows, in Gluon: the next piece is on its way (asynchronous copies) while one is added up.
from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.ampere import async_copy


@gluon.jit
def row_sum(x, out, n, B: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([1], [32], [4], [0])
    ring = gl.allocate_shared_memory(gl.float32, [2, B], gl.SwizzledSharedLayout(1, 1, 1, order=[0]))
    row = gl.program_id(0)
    columns = gl.arange(0, B, layout)
    sums = gl.zeros([B], gl.float32, layout)
    async_copy.async_load(ring.index(0), x + row * n + columns)
    async_copy.commit_group()
    for at in range(B, n, B):
        async_copy.async_load(ring.index((at // B) % 2), x + row * n + at + columns)
        async_copy.commit_group()
        async_copy.wait_group(1)
        gl.barrier()
        sums += ring.index((at // B + 1) % 2).load(layout)
        gl.barrier()
    async_copy.wait_group(0)
    gl.barrier()
    sums += ring.index((n // B + 1) % 2).load(layout)
    gl.store(out + row, gl.sum(sums, 0))
