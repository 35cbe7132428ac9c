# /// kerf
# version = 1
# supports = "i.ndim == 2 and i.shape[0] == 4 and i.shape[1] == 32"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "layer_norm_kernel"
# grid = ["cdiv(i.shape[0] * i.shape[1], (THREADS // 8))"]
# args = ["i.shape[0]", "i.shape[1]", "table.shape[1]", "i", "table", "table.shape[1]", "places", "f32(table.shape[1])", "out"]
# constexpr = { LENGTH = "next_pow2(table.shape[1])", ROWS = "THREADS // 8" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < i.shape[0], j < i.shape[1], k < table.shape[1]
@triton.jit
def layer_norm_kernel(I, J, K, i_from, table_picked_from, table_picked_stride_pick, places_from, layer_norm_count_value, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I * J
    i = row // J
    j = row % J
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < K
    i_ = tl.load(i_from + i * J + j, mask=valid)
    table_picked = tl.load(table_picked_from + i_ * table_picked_stride_pick + at, mask=inside & valid)
    places = tl.load(places_from + j * K + at, mask=inside & valid)
    add = table_picked + places
    layer_norm_1 = tl.sum(tl.where(inside, add, 0.0).to(tl.float64), 1, keep_dims=True)
    layer_norm_2 = layer_norm_1 / layer_norm_count_value
    layer_norm_3 = add - layer_norm_2.to(tl.float32)
    layer_norm_4 = layer_norm_3 * layer_norm_3
    layer_norm_5 = tl.sum(tl.where(inside, layer_norm_4, 0.0).to(tl.float64), 1, keep_dims=True)
    layer_norm_6 = layer_norm_5 / layer_norm_count_value
    layer_norm_7 = layer_norm_6 + 1e-05
    layer_norm_8 = 1.0 / tl.sqrt_rn(layer_norm_7.to(tl.float32))
    layer_norm_9 = layer_norm_3 * layer_norm_8
    tl.store(out_to + i * J * K + j * K + at, layer_norm_9, mask=inside & valid)
