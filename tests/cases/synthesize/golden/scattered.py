# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64 and graphs.ndim == 1 and graphs.shape[0] == 300 and chosen.ndim == 2 and chosen.shape[0] == 300 and chosen.shape[1] == 2 and weights.ndim == 2 and weights.shape[0] == 300 and weights.shape[1] == 2 and x.shape[0] * 64 < 2147483648 and x.shape[0] * x.shape[1] < 2147483648 and x.shape[0] * weights.shape[1] < 2147483648 and x.shape[0] * chosen.shape[1] < 2147483648"
# [tune]
# THREADS1 = [256]
# THREADS2 = [128, 256]
# [[step]]
# launch = "index_add_kernel"
# grid = ["cdiv(64, THREADS1 // 32 * 1) * 12"]
# args = ["cdiv(64, THREADS1 // 32 * 1)", 64, "x.shape[0]", "x", "graphs", "out0"]
# constexpr = { BLOCK = 128, COLUMNS = "THREADS1 // 32 * 1" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "scatter_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1], THREADS2 * 16)"]
# args = ["x.shape[0]", "x.shape[1]", "weights", "weights.shape[1]", "chosen", "chosen.shape[1]", "out1"]
# constexpr = { BLOCK = "THREADS2 * 16" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < 12, k < 64
@triton.jit
def index_add_kernel(pieces, K, I, x_from, graphs_from, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    j = (row).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    e_index = j.to(tl.float32)
    index_add_3_so_far = tl.full([BLOCK, COLUMNS], 0.0, tl.float32)
    for first in tl.range(0, I, BLOCK):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < I
        x_ = tl.load(x_from + k + at * K, mask=inside & valid)
        relu = tl.where(x_ < 0.0, 0.0, x_)
        graphs = tl.load(graphs_from + at, mask=inside)
        index_add = graphs.to(tl.float32)
        index_add_1 = index_add == e_index
        index_add_2 = tl.where(index_add_1, relu, 0.0)
        index_add_3_so_far += tl.where(inside, index_add_2, 0.0)
    index_add_3 = tl.sum(index_add_3_so_far.to(tl.float64), 0, keep_dims=True)
    index_add_4 = 0.0 + index_add_3
    tl.store(out_to + j * K + k, index_add_4, mask=valid)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def scatter_kernel(I, J, weights_from, weights_stride_i, chosen_from, chosen_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    j_index = j.to(tl.float32)
    weights_ = tl.load(weights_from + i * weights_stride_i, mask=inside)
    chosen = tl.load(chosen_from + i * chosen_stride_i, mask=inside)
    scatter_ = chosen.to(tl.float32)
    scatter_1 = scatter_ == j_index
    scatter_2 = tl.where(scatter_1, weights_, 0.0)
    weights_1 = tl.load(weights_from + 1 + i * weights_stride_i, mask=inside)
    chosen_1 = tl.load(chosen_from + 1 + i * chosen_stride_i, mask=inside)
    scatter_3 = chosen_1.to(tl.float32)
    scatter_4 = scatter_3 == j_index
    scatter_5 = tl.where(scatter_4, weights_1, scatter_2)
    tl.store(out_to + at, scatter_5, mask=inside)
