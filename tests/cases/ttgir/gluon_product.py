# A product of matrices, in Gluon: boxes by TMA, an mbarrier that counts their bytes, tensor cores by warp group.
from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma, warpgroup_mma, warpgroup_mma_wait


@gluon.jit
def product(a, b, c, M, N, K, S: gl.constexpr):
    layout: gl.constexpr = gl.NVMMADistributedLayout(version=[3, 0], warps_per_cta=[4, 1], instr_shape=[16, S, 16])
    shared: gl.constexpr = gl.NVMMASharedLayout.get_default_for([S, S], gl.float16)
    of_a = tma.make_tensor_descriptor(a, [M, K], [K, 1], [S, S], shared)
    of_b = tma.make_tensor_descriptor(b, [K, N], [N, 1], [S, S], shared)
    left = gl.allocate_shared_memory(gl.float16, [S, S], shared)
    right = gl.allocate_shared_memory(gl.float16, [S, S], shared)
    filled = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    mbarrier.init(filled, count=1)
    row = gl.program_id(0) * S
    column = gl.program_id(1) * S
    sums = gl.zeros([S, S], gl.float32, layout)
    phase = 0
    for k in range(0, K, S):
        mbarrier.expect(filled, of_a.block_type.nbytes + of_b.block_type.nbytes)
        tma.async_load(of_a, [row, k], filled, left)
        tma.async_load(of_b, [k, column], filled, right)
        mbarrier.wait(filled, phase)
        phase ^= 1
        sums = warpgroup_mma(left, right, sums, is_async=True)
        sums = warpgroup_mma_wait(num_outstanding=0, deps=(sums,))
    mbarrier.invalidate(filled)
    rows = row + gl.arange(0, S, gl.SliceLayout(1, layout))
    columns = column + gl.arange(0, S, gl.SliceLayout(0, layout))
    gl.store(c + rows[:, None] * N + columns[None, :], sums.to(gl.float16))
