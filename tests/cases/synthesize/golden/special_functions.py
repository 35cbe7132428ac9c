# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "add_1_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1], THREADS * 16)"]
# args = ["x.shape[0] * x.shape[1]", "x", "y", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0] * x.shape[1]
@triton.jit
def add_1_kernel(I, x_from, y_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    x_ = tl.load(x_from + at, mask=inside)
    lgamma = tl.abs(x_)
    lgamma_2 = lgamma - 1.0
    lgamma_4 = lgamma - 2.0
    lgamma_6 = lgamma >= 4.5
    lgamma_8 = lgamma - 4.0
    lgamma_10 = lgamma - 3.0
    lgamma_12 = lgamma < 3.5
    lgamma_13 = tl.where(lgamma_12, lgamma_10, lgamma_8)
    lgamma_15 = lgamma < 2.5
    lgamma_16 = tl.where(lgamma_15, lgamma_4, lgamma_13)
    lgamma_18 = lgamma < 1.5
    lgamma_19 = tl.where(lgamma_18, lgamma_2, lgamma_16)
    lgamma_21 = lgamma < 0.5
    lgamma_22 = tl.where(lgamma_21, lgamma, lgamma_19)
    lgamma_23 = smaller(lgamma_22, 0.5)
    lgamma_24 = lgamma_2 * lgamma_4
    lgamma_25 = lgamma + 1.0
    lgamma_26 = lgamma * lgamma_25
    lgamma_27 = tl.where(lgamma_12, lgamma_2, lgamma_24)
    lgamma_28 = tl.where(lgamma_15, 1.0, lgamma_27)
    lgamma_29 = tl.where(lgamma_18, lgamma, lgamma_28)
    lgamma_30 = tl.where(lgamma_21, lgamma_26, lgamma_29)
    lgamma_31 = tl.where(lgamma_6, lgamma, lgamma_30)
    lgamma_32 = tl.log(lgamma_31)
    lgamma_34 = lgamma_23 * -5.5456277944530075e-05
    lgamma_36 = lgamma_34 + 0.00011496915437029669
    lgamma_37 = lgamma_36 * lgamma_23
    lgamma_39 = lgamma_37 + -0.0002192004984350645
    lgamma_40 = lgamma_39 * lgamma_23
    lgamma_42 = lgamma_40 + 0.0005056767390400238
    lgamma_43 = lgamma_42 * lgamma_23
    lgamma_45 = lgamma_43 + -0.001193420197329223
    lgamma_46 = lgamma_45 * lgamma_23
    lgamma_48 = lgamma_46 + 0.002890952577376278
    lgamma_49 = lgamma_48 * lgamma_23
    lgamma_51 = lgamma_49 + -0.0073855005892856825
    lgamma_52 = lgamma_51 * lgamma_23
    lgamma_54 = lgamma_52 + 0.02058078858191416
    lgamma_55 = lgamma_54 * lgamma_23
    lgamma_57 = lgamma_55 + -0.0673523024581011
    lgamma_58 = lgamma_57 * lgamma_23
    lgamma_60 = lgamma_58 + 0.32246703367226004
    lgamma_61 = lgamma_60 * lgamma_23
    lgamma_63 = lgamma_61 + 0.42278433510492125
    lgamma_64 = lgamma_23 * lgamma_63
    lgamma_65 = -(lgamma_32)
    lgamma_66 = tl.where(lgamma_18, lgamma_65, lgamma_32)
    lgamma_67 = lgamma_64 + lgamma_66
    lgamma_68 = 1.0 / lgamma
    lgamma_69 = lgamma_68 * lgamma_68
    lgamma_71 = lgamma_69 * 0.0008417508417508417
    lgamma_73 = lgamma_71 + -0.0005952380952380953
    lgamma_74 = lgamma_73 * lgamma_69
    lgamma_76 = lgamma_74 + 0.0007936507936507937
    lgamma_77 = lgamma_76 * lgamma_69
    lgamma_79 = lgamma_77 + -0.002777777777777778
    lgamma_80 = lgamma_79 * lgamma_69
    lgamma_82 = lgamma_80 + 0.08333333333333333
    lgamma_83 = lgamma_68 * lgamma_82
    lgamma_84 = lgamma_32 - 1.0
    lgamma_85 = lgamma - 0.5
    lgamma_86 = lgamma_85 * lgamma_84
    lgamma_88 = lgamma_83 + 0.41893853320467267
    lgamma_89 = lgamma_86 + lgamma_88
    lgamma_90 = tl.where(lgamma_6, lgamma_89, lgamma_67)
    lgamma_91 = tl.floor(lgamma)
    lgamma_92 = lgamma - lgamma_91
    lgamma_93 = 1.0 - lgamma_92
    lgamma_94 = smaller(lgamma_92, lgamma_93)
    lgamma_95 = lgamma_94 * lgamma_94
    lgamma_97 = lgamma_95 * -0.007028024145215807
    lgamma_99 = lgamma_97 + 0.08205043110434929
    lgamma_100 = lgamma_99 * lgamma_95
    lgamma_102 = lgamma_100 + -0.599252288647673
    lgamma_103 = lgamma_102 * lgamma_95
    lgamma_105 = lgamma_103 + 2.5501633398175234
    lgamma_106 = lgamma_105 * lgamma_95
    lgamma_108 = lgamma_106 + -5.16771276611638
    lgamma_109 = lgamma_108 * lgamma_95
    lgamma_111 = lgamma_109 + 3.1415926535608394
    lgamma_112 = lgamma_94 * lgamma_111
    lgamma_113 = tl.log(lgamma)
    lgamma_114 = lgamma_113 + lgamma_90
    lgamma_116 = 3.141592653589793 / lgamma_112
    lgamma_117 = tl.log(lgamma_116)
    lgamma_118 = lgamma_117 - lgamma_114
    lgamma_120 = x_ < 0.0
    lgamma_121 = tl.where(lgamma_120, lgamma_118, lgamma_90)
    lgamma_123 = lgamma == float("inf")
    lgamma_124 = tl.where(lgamma_123, float("inf"), lgamma_121)
    y_ = tl.load(y_from + at, mask=inside)
    digamma = y_ < 0.0
    digamma_1 = 1.0 - y_
    digamma_2 = tl.where(digamma, digamma_1, y_)
    digamma_4 = digamma_2 + 6.0
    digamma_5 = 1.0 / digamma_4
    digamma_6 = digamma_5 * digamma_5
    digamma_8 = digamma_2 + 5.0
    digamma_9 = 1.0 / digamma_8
    digamma_10 = digamma_2 + 4.0
    digamma_11 = 1.0 / digamma_10
    digamma_12 = digamma_9 + digamma_11
    digamma_13 = digamma_2 + 3.0
    digamma_14 = 1.0 / digamma_13
    digamma_15 = digamma_12 + digamma_14
    digamma_16 = digamma_2 + 2.0
    digamma_17 = 1.0 / digamma_16
    digamma_18 = digamma_15 + digamma_17
    digamma_19 = digamma_2 + 1.0
    digamma_20 = 1.0 / digamma_19
    digamma_21 = digamma_18 + digamma_20
    digamma_22 = 1.0 / digamma_2
    digamma_23 = digamma_21 + digamma_22
    digamma_25 = digamma_6 * 0.003968253968253968
    digamma_27 = digamma_25 + -0.008333333333333333
    digamma_28 = digamma_27 * digamma_6
    digamma_29 = digamma_28 + 0.08333333333333333
    digamma_30 = digamma_6 * digamma_29
    digamma_31 = digamma_5 * 0.5
    digamma_32 = digamma_31 + digamma_30
    digamma_33 = tl.log(digamma_4)
    digamma_34 = digamma_33 - digamma_32
    digamma_35 = digamma_34 - digamma_23
    digamma_36 = tl.abs(y_)
    digamma_37 = tl.floor(digamma_36)
    digamma_38 = digamma_36 - digamma_37
    digamma_39 = 1.0 - digamma_38
    digamma_40 = smaller(digamma_38, digamma_39)
    digamma_41 = digamma_40 * digamma_40
    digamma_42 = digamma_41 * -0.007028024145215807
    digamma_43 = digamma_42 + 0.08205043110434929
    digamma_44 = digamma_43 * digamma_41
    digamma_45 = digamma_44 + -0.599252288647673
    digamma_46 = digamma_45 * digamma_41
    digamma_47 = digamma_46 + 2.5501633398175234
    digamma_48 = digamma_47 * digamma_41
    digamma_49 = digamma_48 + -5.16771276611638
    digamma_50 = digamma_49 * digamma_41
    digamma_51 = digamma_50 + 3.1415926535608394
    digamma_52 = digamma_40 * digamma_51
    digamma_53 = 0.5 - digamma_38
    digamma_54 = digamma_53 * digamma_53
    digamma_55 = digamma_54 * -0.007028024145215807
    digamma_56 = digamma_55 + 0.08205043110434929
    digamma_57 = digamma_56 * digamma_54
    digamma_58 = digamma_57 + -0.599252288647673
    digamma_59 = digamma_58 * digamma_54
    digamma_60 = digamma_59 + 2.5501633398175234
    digamma_61 = digamma_60 * digamma_54
    digamma_62 = digamma_61 + -5.16771276611638
    digamma_63 = digamma_62 * digamma_54
    digamma_64 = digamma_63 + 3.1415926535608394
    digamma_65 = digamma_53 * digamma_64
    digamma_66 = digamma_65 * 3.141592653589793
    digamma_67 = digamma_66 / digamma_52
    digamma_68 = digamma_35 + digamma_67
    digamma_70 = y_ == -float("inf")
    digamma_71 = digamma_38 == 0.0
    digamma_72 = digamma_71 | digamma_70
    digamma_74 = tl.where(digamma_72, float("nan"), digamma_68)
    digamma_75 = tl.where(digamma, digamma_74, digamma_35)
    digamma_76 = 1.0 / y_
    digamma_77 = -(digamma_76)
    digamma_78 = y_ == 0.0
    digamma_79 = tl.where(digamma_78, digamma_77, digamma_75)
    erfinv = digamma_36 + 1.0
    erfinv_1 = 1.0 - digamma_36
    erfinv_2 = erfinv_1 * erfinv
    erfinv_3 = tl.log(erfinv_2)
    erfinv_4 = -(erfinv_3)
    erfinv_5 = erfinv_4 - 2.5
    erfinv_7 = erfinv_5 * -8.941414093291168e-09
    erfinv_9 = erfinv_7 + 2.3264800104042863e-08
    erfinv_10 = erfinv_9 * erfinv_5
    erfinv_12 = erfinv_10 + 4.68266973723344e-07
    erfinv_13 = erfinv_12 * erfinv_5
    erfinv_15 = erfinv_13 + -3.463093069394863e-06
    erfinv_16 = erfinv_15 * erfinv_5
    erfinv_18 = erfinv_16 + -4.973069670068361e-06
    erfinv_19 = erfinv_18 * erfinv_5
    erfinv_21 = erfinv_19 + 0.00021834588677236338
    erfinv_22 = erfinv_21 * erfinv_5
    erfinv_24 = erfinv_22 + -0.0012527252269106128
    erfinv_25 = erfinv_24 * erfinv_5
    erfinv_27 = erfinv_25 + -0.004177388473878858
    erfinv_28 = erfinv_27 * erfinv_5
    erfinv_30 = erfinv_28 + 0.24664027848078526
    erfinv_31 = erfinv_30 * erfinv_5
    erfinv_33 = erfinv_31 + 1.5014093595818214
    erfinv_34 = tl.sqrt_rn(erfinv_4)
    erfinv_35 = erfinv_34 - 3.0
    erfinv_37 = erfinv_35 * -3.1787171717759226e-05
    erfinv_39 = erfinv_37 + 0.00016354562196566194
    erfinv_40 = erfinv_39 * erfinv_35
    erfinv_42 = erfinv_40 + -0.000274328938879972
    erfinv_43 = erfinv_42 * erfinv_35
    erfinv_45 = erfinv_43 + -0.0001244040018588223
    erfinv_46 = erfinv_45 * erfinv_35
    erfinv_48 = erfinv_46 + 0.0014735355344928892
    erfinv_49 = erfinv_48 * erfinv_35
    erfinv_51 = erfinv_49 + -0.0035649503534976187
    erfinv_52 = erfinv_51 * erfinv_35
    erfinv_54 = erfinv_52 + 0.0056880799485751424
    erfinv_55 = erfinv_54 * erfinv_35
    erfinv_57 = erfinv_55 + -0.0076431546642556905
    erfinv_58 = erfinv_57 * erfinv_35
    erfinv_60 = erfinv_58 + 0.009445262486159114
    erfinv_61 = erfinv_60 * erfinv_35
    erfinv_63 = erfinv_61 + 1.0016752554869717
    erfinv_64 = erfinv_63 * erfinv_35
    erfinv_66 = erfinv_64 + 2.832976802296276
    erfinv_67 = erfinv_4 < 5.0
    erfinv_68 = tl.where(erfinv_67, erfinv_33, erfinv_66)
    erfinv_69 = y_ * erfinv_68
    erfinv_70 = y_ * float("inf")
    erfinv_71 = digamma_36 == 1.0
    erfinv_72 = tl.where(erfinv_71, erfinv_70, erfinv_69)
    add = lgamma_124 + digamma_79
    add_1 = add + erfinv_72
    tl.store(out_to + at, add_1, mask=inside)
