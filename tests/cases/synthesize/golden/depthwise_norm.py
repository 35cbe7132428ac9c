# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61 and x.shape[2] * x.shape[3] < 2147483648 and x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1] < 2147483648 and x.shape[0] * x.shape[3] * x.shape[2] * x.shape[1] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "relu_kernel"
# grid = ["x.shape[1]"]
# args = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "w", "w.shape[2] * w.shape[3]", "w.shape[3]", "weight", "bias", "x", "x.shape[2] * x.shape[3]", "x.shape[2] * x.shape[3] * x.shape[1]", "f32((x.shape[0] * (x.shape[2] - w.shape[2] + 3)) * (x.shape[3] - w.shape[3] + 3))", "out", "x.shape[1]"]
# constexpr = { LENGTH = "next_pow2(x.shape[0] * x.shape[2] * x.shape[3])" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1], k < x.shape[2], l < x.shape[3]
@triton.jit
def relu_kernel(I, K, L, w_from, w_stride_j, w_3_step, weight_from, bias_from, x_from, x_stride_j, x_stride_i, norm_count_value, out_to, J, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    j = row
    at = tl.arange(0, LENGTH)
    inside = at < I * K * L
    w_ = tl.load(w_from + j * w_stride_j)
    w_1 = tl.load(w_from + j * w_stride_j + 1)
    w_2 = tl.load(w_from + j * w_stride_j + 2)
    w_3 = tl.load(w_from + j * w_stride_j + 1 * w_3_step)
    w_4 = tl.load(w_from + j * w_stride_j + 1 + 1 * w_3_step)
    w_5 = tl.load(w_from + j * w_stride_j + 2 + 1 * w_3_step)
    w_6 = tl.load(w_from + j * w_stride_j + 2 * w_3_step)
    w_7 = tl.load(w_from + j * w_stride_j + 1 + 2 * w_3_step)
    w_8 = tl.load(w_from + j * w_stride_j + 2 + 2 * w_3_step)
    weight = tl.load(weight_from + j)
    bias = tl.load(bias_from + j)
    i = at // (K * L)
    k = at // L % K
    l = at % L
    x_ = tl.load(x_from + j * x_stride_j + -1 + -1 * L + l + k * L + i * x_stride_i, mask=(l + -1 >= 0) & (k + -1 >= 0) & inside, other=0.0)
    conv = x_ * w_
    x_1 = tl.load(x_from + j * x_stride_j + -1 * L + l + k * L + i * x_stride_i, mask=(k + -1 >= 0) & inside, other=0.0)
    conv_1 = x_1 * w_1
    conv_2 = conv + conv_1
    x_2 = tl.load(x_from + j * x_stride_j + 1 + -1 * L + l + k * L + i * x_stride_i, mask=(l + 1 < L) & (k + -1 >= 0) & inside, other=0.0)
    conv_3 = x_2 * w_2
    conv_4 = conv_2 + conv_3
    x_3 = tl.load(x_from + j * x_stride_j + -1 + l + k * L + i * x_stride_i, mask=(l + -1 >= 0) & inside, other=0.0)
    conv_5 = x_3 * w_3
    conv_6 = conv_4 + conv_5
    x_4 = tl.load(x_from + j * x_stride_j + l + k * L + i * x_stride_i, mask=inside)
    conv_7 = x_4 * w_4
    conv_8 = conv_6 + conv_7
    x_5 = tl.load(x_from + j * x_stride_j + 1 + l + k * L + i * x_stride_i, mask=(l + 1 < L) & inside, other=0.0)
    conv_9 = x_5 * w_5
    conv_10 = conv_8 + conv_9
    x_6 = tl.load(x_from + j * x_stride_j + -1 + 1 * L + l + k * L + i * x_stride_i, mask=(l + -1 >= 0) & (k + 1 < K) & inside, other=0.0)
    conv_11 = x_6 * w_6
    conv_12 = conv_10 + conv_11
    x_7 = tl.load(x_from + j * x_stride_j + 1 * L + l + k * L + i * x_stride_i, mask=(k + 1 < K) & inside, other=0.0)
    conv_13 = x_7 * w_7
    conv_14 = conv_12 + conv_13
    x_8 = tl.load(x_from + j * x_stride_j + 1 + 1 * L + l + k * L + i * x_stride_i, mask=(l + 1 < L) & (k + 1 < K) & inside, other=0.0)
    conv_15 = x_8 * w_8
    conv_16 = conv_14 + conv_15
    norm_1 = tl.sum(tl.where(inside, conv_16, 0.0).to(tl.float64), 0)
    norm_2 = norm_1 / norm_count_value
    norm_3 = conv_16 - norm_2.to(tl.float32)
    norm_4 = norm_3 * norm_3
    norm_5 = tl.sum(tl.where(inside, norm_4, 0.0).to(tl.float64), 0)
    norm_6 = norm_5 / norm_count_value
    norm_7 = norm_6 + 1e-05
    norm_8 = 1.0 / tl.sqrt_rn(norm_7.to(tl.float32))
    norm_9 = norm_3 * norm_8
    norm_10 = norm_9 * weight
    norm_11 = norm_10 + bias
    relu = tl.where(norm_11 < 0.0, 0.0, norm_11)
    tl.store(out_to + j * K * L + l + k * L + i * J * K * L, relu, mask=inside)
