# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 10 and x.shape[3] == 12 and x.shape[0] * x.shape[1] * 15 * 21 < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 10 and x.shape[3] == 12)"
# [tune]
# THREADS1 = [128, 256]
# THREADS2 = [128, 256]
# [[scratch]]
# name = "relu"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]", 15, 21]
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * 15 * 21, THREADS1 * 8)"]
# args = ["x.shape[0] * x.shape[1]", 15, 21, "f32(x.shape[2] - 1)", "f32(x.shape[3] - 1)", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "relu"]
# constexpr = { BLOCK = "THREADS1 * 8" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "pooled_kernel"
# grid = ["cdiv(relu.shape[0] * relu.shape[1] * 4 * 5, THREADS2 * 8)"]
# args = ["relu.shape[0] * relu.shape[1]", 4, 5, "f32(relu.shape[2])", "f32(relu.shape[2] - 1)", "f32(relu.shape[3])", "f32(relu.shape[3] - 1)", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "out"]
# constexpr = { BLOCK = "THREADS2 * 8" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0] * x.shape[1], j < 15, k < 21
@triton.jit
def relu_kernel(I, J, K, grown_count_value, grown_count_1_value, x_picked_from, x_picked_stride_pick1, x_picked_stride_i, x_picked_1_from, x_picked_1_stride_pick1, x_picked_1_stride_i, x_picked_2_from, x_picked_2_stride_pick1, x_picked_2_stride_i, x_picked_3_from, x_picked_3_stride_pick1, x_picked_3_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    grown_1 = grown_count_value / 14.0
    grown_12 = grown_count_1_value / 20.0
    i = at // (J * K)
    j = at // K % J
    k = at % K
    o_index = j.to(tl.float32)
    grown_2 = o_index * grown_1
    grown_3 = tl.floor(grown_2)
    grown_4 = smaller(grown_3, grown_count_value)
    grown_6 = grown_4 + 1.0
    grown_7 = smaller(grown_6, grown_count_value)
    grown_8 = grown_2 - grown_4
    grown_9 = smaller(grown_8, 1.0)
    grown_10 = 1.0 - grown_9
    o_index_1 = k.to(tl.float32)
    grown_13 = o_index_1 * grown_12
    grown_14 = tl.floor(grown_13)
    grown_15 = smaller(grown_14, grown_count_1_value)
    grown_16 = grown_15 + 1.0
    grown_17 = smaller(grown_16, grown_count_1_value)
    grown_18 = grown_13 - grown_15
    grown_19 = smaller(grown_18, 1.0)
    x_picked = tl.load(x_picked_from + grown_17.to(tl.int64) + grown_4.to(tl.int64) * x_picked_stride_pick1 + i * x_picked_stride_i, mask=inside)
    grown_picked = grown_10 * x_picked
    x_picked_1 = tl.load(x_picked_1_from + grown_17.to(tl.int64) + grown_7.to(tl.int64) * x_picked_1_stride_pick1 + i * x_picked_1_stride_i, mask=inside)
    grown_picked_1 = grown_9 * x_picked_1
    grown_picked_2 = grown_picked + grown_picked_1
    grown_20 = grown_19 * grown_picked_2
    x_picked_2 = tl.load(x_picked_2_from + grown_15.to(tl.int64) + grown_4.to(tl.int64) * x_picked_2_stride_pick1 + i * x_picked_2_stride_i, mask=inside)
    grown_picked_3 = grown_10 * x_picked_2
    x_picked_3 = tl.load(x_picked_3_from + grown_15.to(tl.int64) + grown_7.to(tl.int64) * x_picked_3_stride_pick1 + i * x_picked_3_stride_i, mask=inside)
    grown_picked_4 = grown_9 * x_picked_3
    grown_picked_5 = grown_picked_3 + grown_picked_4
    grown_21 = 1.0 - grown_19
    grown_22 = grown_21 * grown_picked_5
    grown_23 = grown_22 + grown_20
    relu = tl.where(grown_23 < 0.0, 0.0, grown_23)
    tl.store(out_to + at, relu, mask=inside)


# i < relu.shape[0] * relu.shape[1], j < 4, k < 5
@triton.jit
def pooled_kernel(I, J, K, pooled_count_value, pooled_count_1_value, pooled_count_2_value, pooled_count_3_value, relu_picked_from, relu_picked_stride_pick1, relu_picked_stride_i, relu_picked_1_from, relu_picked_1_stride_pick1, relu_picked_1_stride_i, relu_picked_2_from, relu_picked_2_stride_pick1, relu_picked_2_stride_i, relu_picked_3_from, relu_picked_3_stride_pick1, relu_picked_3_stride_i, relu_picked_4_from, relu_picked_4_stride_pick1, relu_picked_4_stride_i, relu_picked_5_from, relu_picked_5_stride_pick1, relu_picked_5_stride_i, relu_picked_6_from, relu_picked_6_stride_pick1, relu_picked_6_stride_i, relu_picked_7_from, relu_picked_7_stride_pick1, relu_picked_7_stride_i, relu_picked_8_from, relu_picked_8_stride_pick1, relu_picked_8_stride_i, relu_picked_9_from, relu_picked_9_stride_pick1, relu_picked_9_stride_i, relu_picked_10_from, relu_picked_10_stride_pick1, relu_picked_10_stride_i, relu_picked_11_from, relu_picked_11_stride_pick1, relu_picked_11_stride_i, relu_picked_12_from, relu_picked_12_stride_pick1, relu_picked_12_stride_i, relu_picked_13_from, relu_picked_13_stride_pick1, relu_picked_13_stride_i, relu_picked_14_from, relu_picked_14_stride_pick1, relu_picked_14_stride_i, relu_picked_15_from, relu_picked_15_stride_pick1, relu_picked_15_stride_i, relu_picked_16_from, relu_picked_16_stride_pick1, relu_picked_16_stride_i, relu_picked_17_from, relu_picked_17_stride_pick1, relu_picked_17_stride_i, relu_picked_18_from, relu_picked_18_stride_pick1, relu_picked_18_stride_i, relu_picked_19_from, relu_picked_19_stride_pick1, relu_picked_19_stride_i, relu_picked_20_from, relu_picked_20_stride_pick1, relu_picked_20_stride_i, relu_picked_21_from, relu_picked_21_stride_pick1, relu_picked_21_stride_i, relu_picked_22_from, relu_picked_22_stride_pick1, relu_picked_22_stride_i, relu_picked_23_from, relu_picked_23_stride_pick1, relu_picked_23_stride_i, relu_picked_24_from, relu_picked_24_stride_pick1, relu_picked_24_stride_i, relu_picked_25_from, relu_picked_25_stride_pick1, relu_picked_25_stride_i, relu_picked_26_from, relu_picked_26_stride_pick1, relu_picked_26_stride_i, relu_picked_27_from, relu_picked_27_stride_pick1, relu_picked_27_stride_i, relu_picked_28_from, relu_picked_28_stride_pick1, relu_picked_28_stride_i, relu_picked_29_from, relu_picked_29_stride_pick1, relu_picked_29_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    o_index = j.to(tl.float32)
    pooled_1 = o_index * pooled_count_value
    pooled_3 = pooled_1 + 0.5
    pooled_4 = pooled_3 / 4.0
    pooled_5 = tl.floor(pooled_4)
    pooled_8 = o_index + 1.0
    pooled_9 = pooled_8 * pooled_count_value
    pooled_10 = pooled_9 + 3.0
    pooled_11 = pooled_10 + 0.5
    pooled_12 = pooled_11 / 4.0
    pooled_13 = tl.floor(pooled_12)
    pooled_15 = pooled_5 + 0.0
    pooled_16 = smaller(pooled_15, pooled_count_1_value)
    pooled_17 = pooled_15 < pooled_13
    pooled_18 = pooled_5 + 1.0
    pooled_19 = smaller(pooled_18, pooled_count_1_value)
    pooled_20 = pooled_18 < pooled_13
    pooled_22 = pooled_5 + 2.0
    pooled_23 = smaller(pooled_22, pooled_count_1_value)
    pooled_24 = pooled_22 < pooled_13
    pooled_25 = pooled_5 + 3.0
    pooled_26 = smaller(pooled_25, pooled_count_1_value)
    pooled_27 = pooled_25 < pooled_13
    pooled_28 = pooled_5 + 4.0
    pooled_29 = smaller(pooled_28, pooled_count_1_value)
    pooled_30 = pooled_28 < pooled_13
    pooled_31 = pooled_13 - pooled_5
    o_index_1 = k.to(tl.float32)
    pooled_33 = o_index_1 * pooled_count_2_value
    pooled_34 = pooled_33 + 0.5
    pooled_35 = pooled_34 / 5.0
    pooled_36 = tl.floor(pooled_35)
    pooled_37 = o_index_1 + 1.0
    pooled_38 = pooled_37 * pooled_count_2_value
    pooled_39 = pooled_38 + 4.0
    pooled_40 = pooled_39 + 0.5
    pooled_41 = pooled_40 / 5.0
    pooled_42 = tl.floor(pooled_41)
    pooled_43 = pooled_36 + 0.0
    pooled_44 = smaller(pooled_43, pooled_count_3_value)
    relu_picked = tl.load(relu_picked_from + pooled_44.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_stride_pick1 + i * relu_picked_stride_i, mask=inside)
    pooled_picked = tl.where(pooled_17, relu_picked, 0.0)
    relu_picked_1 = tl.load(relu_picked_1_from + pooled_44.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_1_stride_pick1 + i * relu_picked_1_stride_i, mask=inside)
    pooled_picked_1 = tl.where(pooled_20, relu_picked_1, 0.0)
    pooled_picked_2 = pooled_picked + pooled_picked_1
    relu_picked_2 = tl.load(relu_picked_2_from + pooled_44.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_2_stride_pick1 + i * relu_picked_2_stride_i, mask=inside)
    pooled_picked_3 = tl.where(pooled_24, relu_picked_2, 0.0)
    pooled_picked_4 = pooled_picked_2 + pooled_picked_3
    relu_picked_3 = tl.load(relu_picked_3_from + pooled_44.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_3_stride_pick1 + i * relu_picked_3_stride_i, mask=inside)
    pooled_picked_5 = tl.where(pooled_27, relu_picked_3, 0.0)
    pooled_picked_6 = pooled_picked_4 + pooled_picked_5
    relu_picked_4 = tl.load(relu_picked_4_from + pooled_44.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_4_stride_pick1 + i * relu_picked_4_stride_i, mask=inside)
    pooled_picked_7 = tl.where(pooled_30, relu_picked_4, 0.0)
    pooled_picked_8 = pooled_picked_6 + pooled_picked_7
    pooled_45 = pooled_43 < pooled_42
    pooled_46 = tl.where(pooled_45, pooled_picked_8, 0.0)
    pooled_47 = pooled_36 + 1.0
    pooled_48 = smaller(pooled_47, pooled_count_3_value)
    relu_picked_5 = tl.load(relu_picked_5_from + pooled_48.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_5_stride_pick1 + i * relu_picked_5_stride_i, mask=inside)
    pooled_picked_9 = tl.where(pooled_17, relu_picked_5, 0.0)
    relu_picked_6 = tl.load(relu_picked_6_from + pooled_48.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_6_stride_pick1 + i * relu_picked_6_stride_i, mask=inside)
    pooled_picked_10 = tl.where(pooled_20, relu_picked_6, 0.0)
    pooled_picked_11 = pooled_picked_9 + pooled_picked_10
    relu_picked_7 = tl.load(relu_picked_7_from + pooled_48.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_7_stride_pick1 + i * relu_picked_7_stride_i, mask=inside)
    pooled_picked_12 = tl.where(pooled_24, relu_picked_7, 0.0)
    pooled_picked_13 = pooled_picked_11 + pooled_picked_12
    relu_picked_8 = tl.load(relu_picked_8_from + pooled_48.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_8_stride_pick1 + i * relu_picked_8_stride_i, mask=inside)
    pooled_picked_14 = tl.where(pooled_27, relu_picked_8, 0.0)
    pooled_picked_15 = pooled_picked_13 + pooled_picked_14
    relu_picked_9 = tl.load(relu_picked_9_from + pooled_48.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_9_stride_pick1 + i * relu_picked_9_stride_i, mask=inside)
    pooled_picked_16 = tl.where(pooled_30, relu_picked_9, 0.0)
    pooled_picked_17 = pooled_picked_15 + pooled_picked_16
    pooled_49 = pooled_47 < pooled_42
    pooled_50 = tl.where(pooled_49, pooled_picked_17, 0.0)
    pooled_51 = pooled_46 + pooled_50
    pooled_52 = pooled_36 + 2.0
    pooled_53 = smaller(pooled_52, pooled_count_3_value)
    relu_picked_10 = tl.load(relu_picked_10_from + pooled_53.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_10_stride_pick1 + i * relu_picked_10_stride_i, mask=inside)
    pooled_picked_18 = tl.where(pooled_17, relu_picked_10, 0.0)
    relu_picked_11 = tl.load(relu_picked_11_from + pooled_53.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_11_stride_pick1 + i * relu_picked_11_stride_i, mask=inside)
    pooled_picked_19 = tl.where(pooled_20, relu_picked_11, 0.0)
    pooled_picked_20 = pooled_picked_18 + pooled_picked_19
    relu_picked_12 = tl.load(relu_picked_12_from + pooled_53.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_12_stride_pick1 + i * relu_picked_12_stride_i, mask=inside)
    pooled_picked_21 = tl.where(pooled_24, relu_picked_12, 0.0)
    pooled_picked_22 = pooled_picked_20 + pooled_picked_21
    relu_picked_13 = tl.load(relu_picked_13_from + pooled_53.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_13_stride_pick1 + i * relu_picked_13_stride_i, mask=inside)
    pooled_picked_23 = tl.where(pooled_27, relu_picked_13, 0.0)
    pooled_picked_24 = pooled_picked_22 + pooled_picked_23
    relu_picked_14 = tl.load(relu_picked_14_from + pooled_53.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_14_stride_pick1 + i * relu_picked_14_stride_i, mask=inside)
    pooled_picked_25 = tl.where(pooled_30, relu_picked_14, 0.0)
    pooled_picked_26 = pooled_picked_24 + pooled_picked_25
    pooled_54 = pooled_52 < pooled_42
    pooled_55 = tl.where(pooled_54, pooled_picked_26, 0.0)
    pooled_56 = pooled_51 + pooled_55
    pooled_57 = pooled_36 + 3.0
    pooled_58 = smaller(pooled_57, pooled_count_3_value)
    relu_picked_15 = tl.load(relu_picked_15_from + pooled_58.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_15_stride_pick1 + i * relu_picked_15_stride_i, mask=inside)
    pooled_picked_27 = tl.where(pooled_17, relu_picked_15, 0.0)
    relu_picked_16 = tl.load(relu_picked_16_from + pooled_58.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_16_stride_pick1 + i * relu_picked_16_stride_i, mask=inside)
    pooled_picked_28 = tl.where(pooled_20, relu_picked_16, 0.0)
    pooled_picked_29 = pooled_picked_27 + pooled_picked_28
    relu_picked_17 = tl.load(relu_picked_17_from + pooled_58.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_17_stride_pick1 + i * relu_picked_17_stride_i, mask=inside)
    pooled_picked_30 = tl.where(pooled_24, relu_picked_17, 0.0)
    pooled_picked_31 = pooled_picked_29 + pooled_picked_30
    relu_picked_18 = tl.load(relu_picked_18_from + pooled_58.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_18_stride_pick1 + i * relu_picked_18_stride_i, mask=inside)
    pooled_picked_32 = tl.where(pooled_27, relu_picked_18, 0.0)
    pooled_picked_33 = pooled_picked_31 + pooled_picked_32
    relu_picked_19 = tl.load(relu_picked_19_from + pooled_58.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_19_stride_pick1 + i * relu_picked_19_stride_i, mask=inside)
    pooled_picked_34 = tl.where(pooled_30, relu_picked_19, 0.0)
    pooled_picked_35 = pooled_picked_33 + pooled_picked_34
    pooled_59 = pooled_57 < pooled_42
    pooled_60 = tl.where(pooled_59, pooled_picked_35, 0.0)
    pooled_61 = pooled_56 + pooled_60
    pooled_62 = pooled_36 + 4.0
    pooled_63 = smaller(pooled_62, pooled_count_3_value)
    relu_picked_20 = tl.load(relu_picked_20_from + pooled_63.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_20_stride_pick1 + i * relu_picked_20_stride_i, mask=inside)
    pooled_picked_36 = tl.where(pooled_17, relu_picked_20, 0.0)
    relu_picked_21 = tl.load(relu_picked_21_from + pooled_63.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_21_stride_pick1 + i * relu_picked_21_stride_i, mask=inside)
    pooled_picked_37 = tl.where(pooled_20, relu_picked_21, 0.0)
    pooled_picked_38 = pooled_picked_36 + pooled_picked_37
    relu_picked_22 = tl.load(relu_picked_22_from + pooled_63.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_22_stride_pick1 + i * relu_picked_22_stride_i, mask=inside)
    pooled_picked_39 = tl.where(pooled_24, relu_picked_22, 0.0)
    pooled_picked_40 = pooled_picked_38 + pooled_picked_39
    relu_picked_23 = tl.load(relu_picked_23_from + pooled_63.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_23_stride_pick1 + i * relu_picked_23_stride_i, mask=inside)
    pooled_picked_41 = tl.where(pooled_27, relu_picked_23, 0.0)
    pooled_picked_42 = pooled_picked_40 + pooled_picked_41
    relu_picked_24 = tl.load(relu_picked_24_from + pooled_63.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_24_stride_pick1 + i * relu_picked_24_stride_i, mask=inside)
    pooled_picked_43 = tl.where(pooled_30, relu_picked_24, 0.0)
    pooled_picked_44 = pooled_picked_42 + pooled_picked_43
    pooled_64 = pooled_62 < pooled_42
    pooled_65 = tl.where(pooled_64, pooled_picked_44, 0.0)
    pooled_66 = pooled_61 + pooled_65
    pooled_67 = pooled_36 + 5.0
    pooled_68 = smaller(pooled_67, pooled_count_3_value)
    relu_picked_25 = tl.load(relu_picked_25_from + pooled_68.to(tl.int64) + pooled_16.to(tl.int64) * relu_picked_25_stride_pick1 + i * relu_picked_25_stride_i, mask=inside)
    pooled_picked_45 = tl.where(pooled_17, relu_picked_25, 0.0)
    relu_picked_26 = tl.load(relu_picked_26_from + pooled_68.to(tl.int64) + pooled_19.to(tl.int64) * relu_picked_26_stride_pick1 + i * relu_picked_26_stride_i, mask=inside)
    pooled_picked_46 = tl.where(pooled_20, relu_picked_26, 0.0)
    pooled_picked_47 = pooled_picked_45 + pooled_picked_46
    relu_picked_27 = tl.load(relu_picked_27_from + pooled_68.to(tl.int64) + pooled_23.to(tl.int64) * relu_picked_27_stride_pick1 + i * relu_picked_27_stride_i, mask=inside)
    pooled_picked_48 = tl.where(pooled_24, relu_picked_27, 0.0)
    pooled_picked_49 = pooled_picked_47 + pooled_picked_48
    relu_picked_28 = tl.load(relu_picked_28_from + pooled_68.to(tl.int64) + pooled_26.to(tl.int64) * relu_picked_28_stride_pick1 + i * relu_picked_28_stride_i, mask=inside)
    pooled_picked_50 = tl.where(pooled_27, relu_picked_28, 0.0)
    pooled_picked_51 = pooled_picked_49 + pooled_picked_50
    relu_picked_29 = tl.load(relu_picked_29_from + pooled_68.to(tl.int64) + pooled_29.to(tl.int64) * relu_picked_29_stride_pick1 + i * relu_picked_29_stride_i, mask=inside)
    pooled_picked_52 = tl.where(pooled_30, relu_picked_29, 0.0)
    pooled_picked_53 = pooled_picked_51 + pooled_picked_52
    pooled_69 = pooled_67 < pooled_42
    pooled_70 = tl.where(pooled_69, pooled_picked_53, 0.0)
    pooled_71 = pooled_66 + pooled_70
    pooled_72 = pooled_42 - pooled_36
    pooled_73 = pooled_31 * pooled_72
    pooled_74 = pooled_71 / pooled_73
    tl.store(out_to + at, pooled_74, mask=inside)
