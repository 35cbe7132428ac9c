# A sum over rows, in Gluon: one warp loads into shared memory, four others add up, and mbarriers say whose turn it is.
from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier


@gluon.jit
def load_pieces(x, piece, full, empty, n, B: gl.constexpr):
    columns = gl.arange(0, B, gl.BlockedLayout([1], [32], [1], [0]))
    row = gl.program_id(0)
    phase = 0
    for at in range(0, n, B):
        mbarrier.wait(empty, phase ^ 1)
        piece.store(gl.load(x + row * n + at + columns))
        mbarrier.arrive(full, count=1)
        phase ^= 1


@gluon.jit
def add_pieces(out, piece, full, empty, n, B: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([1], [32], [4], [0])
    sums = gl.zeros([B], gl.float32, layout)
    phase = 0
    for at in range(0, n, B):
        mbarrier.wait(full, phase)
        sums += piece.load(layout)
        mbarrier.arrive(empty, count=1)
        phase ^= 1
    gl.store(out + gl.program_id(0), gl.sum(sums, 0))


@gluon.jit
def row_sum(x, out, n, B: gl.constexpr):
    piece = gl.allocate_shared_memory(gl.float32, [B], gl.SwizzledSharedLayout(1, 1, 1, order=[0]))
    full = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    empty = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    mbarrier.init(full, count=1)
    mbarrier.init(empty, count=1)
    gl.warp_specialize([(add_pieces, (out, piece, full, empty, n, B)), (load_pieces, (x, piece, full, empty, n, B))],
                       [1], [24])
