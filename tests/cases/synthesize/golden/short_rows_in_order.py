# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 4096 and x.shape[1] == 6 and x.shape[0] < 2147483648 and x.shape[0] * x.shape[1] < 2147483648 and x.shape[0] * out0.shape[1] < 2147483648 and x.shape[0] * out1.shape[1] < 2147483648"
# [tune]
# THREADS1 = [512]
# THREADS2 = [512]
# [[step]]
# launch = "s_kernel"
# grid = ["cdiv(x.shape[0], THREADS1 * 1)"]
# args = ["x.shape[0]", "x", "x.shape[1]", "out0", "out0.shape[1]"]
# constexpr = { BLOCK = "THREADS1 * 1" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "p_kernel"
# grid = ["cdiv(x.shape[0], THREADS2 * 1)"]
# args = ["x.shape[0]", "x", "x.shape[1]", "out1", "out1.shape[1]"]
# constexpr = { BLOCK = "THREADS2 * 1" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0]
@triton.jit
def s_kernel(I, x_from, x_stride_i, out0_to, out0_stride_i, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    x_ = tl.load(x_from + at * x_stride_i, mask=inside)
    x_1 = tl.load(x_from + 1 + at * x_stride_i, mask=inside)
    x_2 = tl.load(x_from + 2 + at * x_stride_i, mask=inside)
    x_3 = tl.load(x_from + 3 + at * x_stride_i, mask=inside)
    x_4 = tl.load(x_from + 4 + at * x_stride_i, mask=inside)
    x_5 = tl.load(x_from + 5 + at * x_stride_i, mask=inside)
    s_ = x_ == x_
    s_1 = x_1 != x_1
    s_2 = s_1 & s_
    s_3 = x_1 > x_
    s_4 = s_3 | s_2
    s_5 = tl.where(s_4, x_1, x_)
    s_6 = tl.where(s_4, x_, x_1)
    s_7 = x_2 == x_2
    s_8 = x_3 != x_3
    s_9 = s_8 & s_7
    s_10 = x_3 > x_2
    s_11 = s_10 | s_9
    s_12 = tl.where(s_11, x_3, x_2)
    s_13 = tl.where(s_11, x_2, x_3)
    s_14 = x_4 == x_4
    s_15 = x_5 != x_5
    s_16 = s_15 & s_14
    s_17 = x_5 > x_4
    s_18 = s_17 | s_16
    s_19 = tl.where(s_18, x_5, x_4)
    s_20 = tl.where(s_18, x_4, x_5)
    s_21 = s_5 == s_5
    s_22 = s_12 != s_12
    s_23 = s_22 & s_21
    s_24 = s_12 > s_5
    s_25 = s_24 | s_23
    s_26 = tl.where(s_25, s_12, s_5)
    s_27 = tl.where(s_25, s_5, s_12)
    s_28 = s_6 == s_6
    s_29 = s_13 != s_13
    s_30 = s_29 & s_28
    s_31 = s_13 > s_6
    s_32 = s_31 | s_30
    s_33 = tl.where(s_32, s_13, s_6)
    s_34 = tl.where(s_32, s_6, s_13)
    s_35 = s_33 == s_33
    s_36 = s_27 != s_27
    s_37 = s_36 & s_35
    s_38 = s_27 > s_33
    s_39 = s_38 | s_37
    s_40 = tl.where(s_39, s_27, s_33)
    s_41 = tl.where(s_39, s_33, s_27)
    s_42 = s_26 == s_26
    s_43 = s_19 != s_19
    s_44 = s_43 & s_42
    s_45 = s_19 > s_26
    s_46 = s_45 | s_44
    s_47 = tl.where(s_46, s_19, s_26)
    s_48 = tl.where(s_46, s_26, s_19)
    s_49 = s_40 == s_40
    s_50 = s_20 != s_20
    s_51 = s_50 & s_49
    s_52 = s_20 > s_40
    s_53 = s_52 | s_51
    s_54 = tl.where(s_53, s_20, s_40)
    s_55 = tl.where(s_53, s_40, s_20)
    s_56 = s_41 == s_41
    s_57 = s_48 != s_48
    s_58 = s_57 & s_56
    s_59 = s_48 > s_41
    s_60 = s_59 | s_58
    s_61 = tl.where(s_60, s_48, s_41)
    s_62 = tl.where(s_60, s_41, s_48)
    s_63 = s_34 == s_34
    s_64 = s_55 != s_55
    s_65 = s_64 & s_63
    s_66 = s_55 > s_34
    s_67 = s_66 | s_65
    s_68 = tl.where(s_67, s_55, s_34)
    s_69 = tl.where(s_67, s_34, s_55)
    s_70 = s_54 == s_54
    s_71 = s_61 != s_61
    s_72 = s_71 & s_70
    s_73 = s_61 > s_54
    s_74 = s_73 | s_72
    s_75 = tl.where(s_74, s_61, s_54)
    s_76 = tl.where(s_74, s_54, s_61)
    s_77 = s_68 == s_68
    s_78 = s_62 != s_62
    s_79 = s_78 & s_77
    s_80 = s_62 > s_68
    s_81 = s_80 | s_79
    s_82 = tl.where(s_81, s_62, s_68)
    s_83 = tl.where(s_81, s_68, s_62)
    tl.store(out0_to + at * out0_stride_i, s_47, mask=inside)
    tl.store(out0_to + 1 + at * out0_stride_i, s_75, mask=inside)
    tl.store(out0_to + 2 + at * out0_stride_i, s_76, mask=inside)
    tl.store(out0_to + 3 + at * out0_stride_i, s_82, mask=inside)
    tl.store(out0_to + 4 + at * out0_stride_i, s_83, mask=inside)
    tl.store(out0_to + 5 + at * out0_stride_i, s_69, mask=inside)


# i < x.shape[0]
@triton.jit
def p_kernel(I, x_from, x_stride_i, out0_to, out0_stride_i, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    x_ = tl.load(x_from + at * x_stride_i, mask=inside)
    x_1 = tl.load(x_from + 1 + at * x_stride_i, mask=inside)
    x_2 = tl.load(x_from + 2 + at * x_stride_i, mask=inside)
    x_3 = tl.load(x_from + 3 + at * x_stride_i, mask=inside)
    x_4 = tl.load(x_from + 4 + at * x_stride_i, mask=inside)
    x_5 = tl.load(x_from + 5 + at * x_stride_i, mask=inside)
    p_6 = x_1 == x_1
    p_7 = x_ != x_
    p_8 = p_7 & p_6
    p_9 = x_ > x_1
    p_10 = p_9 | p_8
    p_11 = tl.where(p_10, 1.0, 0.0)
    p_12 = tl.where(p_10, 0.0, 1.0)
    p_13 = tl.where(p_10, x_1, x_)
    p_14 = tl.where(p_10, x_, x_1)
    p_15 = x_3 == x_3
    p_16 = x_2 != x_2
    p_17 = p_16 & p_15
    p_18 = x_2 > x_3
    p_19 = p_18 | p_17
    p_20 = tl.where(p_19, 3.0, 2.0)
    p_21 = tl.where(p_19, 2.0, 3.0)
    p_22 = tl.where(p_19, x_3, x_2)
    p_23 = tl.where(p_19, x_2, x_3)
    p_24 = x_5 == x_5
    p_25 = x_4 != x_4
    p_26 = p_25 & p_24
    p_27 = x_4 > x_5
    p_28 = p_27 | p_26
    p_29 = tl.where(p_28, 5.0, 4.0)
    p_30 = tl.where(p_28, 4.0, 5.0)
    p_31 = tl.where(p_28, x_5, x_4)
    p_32 = tl.where(p_28, x_4, x_5)
    p_33 = p_22 == p_22
    p_34 = p_13 != p_13
    p_35 = p_34 & p_33
    p_36 = p_13 > p_22
    p_37 = p_36 | p_35
    p_38 = p_13 == p_13
    p_39 = p_22 != p_22
    p_40 = p_39 & p_38
    p_41 = p_22 > p_13
    p_42 = p_41 | p_40
    p_43 = p_11 > p_20
    p_44 = p_42 == 0
    p_45 = p_44 & p_43
    p_46 = p_37 | p_45
    p_47 = tl.where(p_46, p_20, p_11)
    p_48 = tl.where(p_46, p_11, p_20)
    p_49 = tl.where(p_46, p_22, p_13)
    p_50 = tl.where(p_46, p_13, p_22)
    p_51 = p_23 == p_23
    p_52 = p_14 != p_14
    p_53 = p_52 & p_51
    p_54 = p_14 > p_23
    p_55 = p_54 | p_53
    p_56 = p_14 == p_14
    p_57 = p_23 != p_23
    p_58 = p_57 & p_56
    p_59 = p_23 > p_14
    p_60 = p_59 | p_58
    p_61 = p_12 > p_21
    p_62 = p_60 == 0
    p_63 = p_62 & p_61
    p_64 = p_55 | p_63
    p_65 = tl.where(p_64, p_21, p_12)
    p_66 = tl.where(p_64, p_12, p_21)
    p_67 = tl.where(p_64, p_23, p_14)
    p_68 = tl.where(p_64, p_14, p_23)
    p_69 = p_50 == p_50
    p_70 = p_67 != p_67
    p_71 = p_70 & p_69
    p_72 = p_67 > p_50
    p_73 = p_72 | p_71
    p_74 = p_67 == p_67
    p_75 = p_50 != p_50
    p_76 = p_75 & p_74
    p_77 = p_50 > p_67
    p_78 = p_77 | p_76
    p_79 = p_65 > p_48
    p_80 = p_78 == 0
    p_81 = p_80 & p_79
    p_82 = p_73 | p_81
    p_83 = tl.where(p_82, p_48, p_65)
    p_84 = tl.where(p_82, p_65, p_48)
    p_85 = tl.where(p_82, p_50, p_67)
    p_86 = tl.where(p_82, p_67, p_50)
    p_87 = p_31 == p_31
    p_88 = p_49 != p_49
    p_89 = p_88 & p_87
    p_90 = p_49 > p_31
    p_91 = p_90 | p_89
    p_92 = p_49 == p_49
    p_93 = p_31 != p_31
    p_94 = p_93 & p_92
    p_95 = p_31 > p_49
    p_96 = p_95 | p_94
    p_97 = p_47 > p_29
    p_98 = p_96 == 0
    p_99 = p_98 & p_97
    p_100 = p_91 | p_99
    p_101 = tl.where(p_100, p_29, p_47)
    p_102 = tl.where(p_100, p_47, p_29)
    p_103 = tl.where(p_100, p_49, p_31)
    p_104 = p_32 == p_32
    p_105 = p_85 != p_85
    p_106 = p_105 & p_104
    p_107 = p_85 > p_32
    p_108 = p_107 | p_106
    p_109 = p_85 == p_85
    p_110 = p_32 != p_32
    p_111 = p_110 & p_109
    p_112 = p_32 > p_85
    p_113 = p_112 | p_111
    p_114 = p_83 > p_30
    p_115 = p_113 == 0
    p_116 = p_115 & p_114
    p_117 = p_108 | p_116
    p_118 = tl.where(p_117, p_30, p_83)
    p_119 = tl.where(p_117, p_83, p_30)
    p_120 = tl.where(p_117, p_32, p_85)
    p_121 = tl.where(p_117, p_85, p_32)
    p_122 = p_103 == p_103
    p_123 = p_86 != p_86
    p_124 = p_123 & p_122
    p_125 = p_86 > p_103
    p_126 = p_125 | p_124
    p_127 = p_86 == p_86
    p_128 = p_103 != p_103
    p_129 = p_128 & p_127
    p_130 = p_103 > p_86
    p_131 = p_130 | p_129
    p_132 = p_84 > p_102
    p_133 = p_131 == 0
    p_134 = p_133 & p_132
    p_135 = p_126 | p_134
    p_136 = tl.where(p_135, p_102, p_84)
    p_137 = tl.where(p_135, p_84, p_102)
    p_138 = tl.where(p_135, p_103, p_86)
    p_139 = tl.where(p_135, p_86, p_103)
    p_140 = p_121 == p_121
    p_141 = p_68 != p_68
    p_142 = p_141 & p_140
    p_143 = p_68 > p_121
    p_144 = p_143 | p_142
    p_145 = p_68 == p_68
    p_146 = p_121 != p_121
    p_147 = p_146 & p_145
    p_148 = p_121 > p_68
    p_149 = p_148 | p_147
    p_150 = p_66 > p_119
    p_151 = p_149 == 0
    p_152 = p_151 & p_150
    p_153 = p_144 | p_152
    p_154 = tl.where(p_153, p_119, p_66)
    p_155 = tl.where(p_153, p_66, p_119)
    p_156 = tl.where(p_153, p_121, p_68)
    p_157 = p_138 == p_138
    p_158 = p_120 != p_120
    p_159 = p_158 & p_157
    p_160 = p_120 > p_138
    p_161 = p_160 | p_159
    p_162 = p_120 == p_120
    p_163 = p_138 != p_138
    p_164 = p_163 & p_162
    p_165 = p_138 > p_120
    p_166 = p_165 | p_164
    p_167 = p_118 > p_136
    p_168 = p_166 == 0
    p_169 = p_168 & p_167
    p_170 = p_161 | p_169
    p_171 = tl.where(p_170, p_136, p_118)
    p_172 = tl.where(p_170, p_118, p_136)
    p_173 = p_139 == p_139
    p_174 = p_156 != p_156
    p_175 = p_174 & p_173
    p_176 = p_156 > p_139
    p_177 = p_176 | p_175
    p_178 = p_156 == p_156
    p_179 = p_139 != p_139
    p_180 = p_179 & p_178
    p_181 = p_139 > p_156
    p_182 = p_181 | p_180
    p_183 = p_154 > p_137
    p_184 = p_182 == 0
    p_185 = p_184 & p_183
    p_186 = p_177 | p_185
    p_187 = tl.where(p_186, p_137, p_154)
    p_188 = tl.where(p_186, p_154, p_137)
    tl.store(out0_to + at * out0_stride_i, p_101, mask=inside)
    tl.store(out0_to + 1 + at * out0_stride_i, p_171, mask=inside)
    tl.store(out0_to + 2 + at * out0_stride_i, p_172, mask=inside)
    tl.store(out0_to + 3 + at * out0_stride_i, p_187, mask=inside)
    tl.store(out0_to + 4 + at * out0_stride_i, p_188, mask=inside)
    tl.store(out0_to + 5 + at * out0_stride_i, p_155, mask=inside)
