# /// kerf
# version = 1
# supports = "tokens.ndim == 2 and tokens.shape[0] == 4 and tokens.shape[1] == 10 and tokens.shape[0] * tokens.shape[1] * table.shape[1] < 2147483648 and tokens.shape[0] * tokens.shape[1] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "sum_kernel"
# grid = ["cdiv(tokens.shape[0] * tokens.shape[1] * table.shape[1], THREADS * 16)"]
# args = ["tokens.shape[0]", "tokens.shape[1]", "table.shape[1]", "tokens", "table", "table.shape[1]", "place", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < tokens.shape[0], j < tokens.shape[1], k < table.shape[1]
@triton.jit
def sum_kernel(I, J, K, tokens_from, table_picked_from, table_picked_stride_pick, place_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    tokens = tl.load(tokens_from + j + i * J, mask=inside)
    table_picked = tl.load(table_picked_from + tokens * table_picked_stride_pick + k, mask=inside)
    scaled_1 = table_picked * 4.0
    place_ = tl.load(place_from + k + j * K, mask=inside)
    sum = scaled_1 + place_
    tl.store(out_to + at, sum, mask=inside)
