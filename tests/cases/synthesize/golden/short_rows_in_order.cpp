/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 4096 and x.shape[1] == 6"
[tune]
BLOCK1 = [1024]
BLOCK2 = [1024]
[[step]]
launch = "s_kernel"
grid = ["cdiv(x.shape[0], BLOCK1)"]
args = ["x.shape[0]", "x", "out0", "x.shape[1]", "out0.shape[1]"]
[[step]]
launch = "p_kernel"
grid = ["cdiv(x.shape[0], BLOCK2)"]
args = ["x.shape[0]", "x", "out1", "x.shape[1]", "out1.shape[1]"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
[[gnu::noinline, gnu::cold]] static f32v picked(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  f32v v = splatv(other);
  for (int64_t l = 0; l < w; ++l)
    if (i + l * apart >= 0 && i + l * apart < limit) v[l] = p[l * step];
  return v;
}
// Every second element from p[0] on; nothing behind the last one is touched.
static inline f32v evens(const float* p) {
  return shuffle(loadv(p), loadv(p + vlen - 1), [](int l) { return l < vlen / 2 ? 2 * l : 2 * l + 1; });
}
// The same, lanes from `first` to before `past`; the others are `other`.
static inline f32v evens(const float* p, int64_t first, int64_t past, float other) {
  const f32v low = loadv(p, 2 * first, 2 * past - 1, other), high = loadv(p + vlen, 2 * first - vlen, 2 * past - 1 - vlen, other);
  return shuffle(low, high, [](int l) { return 2 * l; });
}
static inline f32v gather(const float* p, int64_t stride, int64_t w) {
  if (stride == 1) return loadv(p, w);
  if (stride == 2) return w >= vlen ? evens(p) : evens(p, 0, w, 0.0f);
  if (w < vlen) return picked(p, stride, 0, 1, w, 0.0f, w);
  f32v v = {};
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) v[l] = p[l * stride];
  return v;
}
static inline void scatter(float* p, int64_t stride, f32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}
static inline void put_positions(int64_t* p, int64_t stride, i32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}

// i < x.shape[0]
extern "C" void s_kernel(int64_t I, const float* __restrict__ x_from, float* __restrict__ out0_to, int64_t x_stride_i, int64_t out0_stride_i, int64_t block) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, I);
  const float* x_1_at = x_from + 1;
  const float* x_2_at = x_from + 2;
  const float* x_3_at = x_from + 3;
  const float* x_4_at = x_from + 4;
  const float* x_5_at = x_from + 5;
  float* out1_at = out0_to + 1;
  float* out2_at = out0_to + 2;
  float* out3_at = out0_to + 3;
  float* out4_at = out0_to + 4;
  float* out5_at = out0_to + 5;
  eachv<1>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = gather(x_from + i * x_stride_i, x_stride_i, w);
    const f32v x_1 = gather(x_1_at + i * x_stride_i, x_stride_i, w);
    const f32v x_2 = gather(x_2_at + i * x_stride_i, x_stride_i, w);
    const f32v x_3 = gather(x_3_at + i * x_stride_i, x_stride_i, w);
    const f32v x_4 = gather(x_4_at + i * x_stride_i, x_stride_i, w);
    const f32v x_5 = gather(x_5_at + i * x_stride_i, x_stride_i, w);
    const auto s_ = x_ == x_;
    const auto s_1 = x_1 != x_1;
    const auto s_2 = s_1 & s_;
    const auto s_3 = x_1 > x_;
    const auto s_4 = s_3 | s_2;
    const f32v s_5 = s_4 ? x_1 : x_;
    const f32v s_6 = s_4 ? x_ : x_1;
    const auto s_7 = x_2 == x_2;
    const auto s_8 = x_3 != x_3;
    const auto s_9 = s_8 & s_7;
    const auto s_10 = x_3 > x_2;
    const auto s_11 = s_10 | s_9;
    const f32v s_12 = s_11 ? x_3 : x_2;
    const f32v s_13 = s_11 ? x_2 : x_3;
    const auto s_14 = x_4 == x_4;
    const auto s_15 = x_5 != x_5;
    const auto s_16 = s_15 & s_14;
    const auto s_17 = x_5 > x_4;
    const auto s_18 = s_17 | s_16;
    const f32v s_19 = s_18 ? x_5 : x_4;
    const f32v s_20 = s_18 ? x_4 : x_5;
    const auto s_21 = s_5 == s_5;
    const auto s_22 = s_12 != s_12;
    const auto s_23 = s_22 & s_21;
    const auto s_24 = s_12 > s_5;
    const auto s_25 = s_24 | s_23;
    const f32v s_26 = s_25 ? s_12 : s_5;
    const f32v s_27 = s_25 ? s_5 : s_12;
    const auto s_28 = s_6 == s_6;
    const auto s_29 = s_13 != s_13;
    const auto s_30 = s_29 & s_28;
    const auto s_31 = s_13 > s_6;
    const auto s_32 = s_31 | s_30;
    const f32v s_33 = s_32 ? s_13 : s_6;
    const f32v s_34 = s_32 ? s_6 : s_13;
    const auto s_35 = s_33 == s_33;
    const auto s_36 = s_27 != s_27;
    const auto s_37 = s_36 & s_35;
    const auto s_38 = s_27 > s_33;
    const auto s_39 = s_38 | s_37;
    const f32v s_40 = s_39 ? s_27 : s_33;
    const f32v s_41 = s_39 ? s_33 : s_27;
    const auto s_42 = s_26 == s_26;
    const auto s_43 = s_19 != s_19;
    const auto s_44 = s_43 & s_42;
    const auto s_45 = s_19 > s_26;
    const auto s_46 = s_45 | s_44;
    const f32v s_47 = s_46 ? s_19 : s_26;
    const f32v s_48 = s_46 ? s_26 : s_19;
    const auto s_49 = s_40 == s_40;
    const auto s_50 = s_20 != s_20;
    const auto s_51 = s_50 & s_49;
    const auto s_52 = s_20 > s_40;
    const auto s_53 = s_52 | s_51;
    const f32v s_54 = s_53 ? s_20 : s_40;
    const f32v s_55 = s_53 ? s_40 : s_20;
    const auto s_56 = s_41 == s_41;
    const auto s_57 = s_48 != s_48;
    const auto s_58 = s_57 & s_56;
    const auto s_59 = s_48 > s_41;
    const auto s_60 = s_59 | s_58;
    const f32v s_61 = s_60 ? s_48 : s_41;
    const f32v s_62 = s_60 ? s_41 : s_48;
    const auto s_63 = s_34 == s_34;
    const auto s_64 = s_55 != s_55;
    const auto s_65 = s_64 & s_63;
    const auto s_66 = s_55 > s_34;
    const auto s_67 = s_66 | s_65;
    const f32v s_68 = s_67 ? s_55 : s_34;
    const f32v s_69 = s_67 ? s_34 : s_55;
    const auto s_70 = s_54 == s_54;
    const auto s_71 = s_61 != s_61;
    const auto s_72 = s_71 & s_70;
    const auto s_73 = s_61 > s_54;
    const auto s_74 = s_73 | s_72;
    const f32v s_75 = s_74 ? s_61 : s_54;
    const f32v s_76 = s_74 ? s_54 : s_61;
    const auto s_77 = s_68 == s_68;
    const auto s_78 = s_62 != s_62;
    const auto s_79 = s_78 & s_77;
    const auto s_80 = s_62 > s_68;
    const auto s_81 = s_80 | s_79;
    const f32v s_82 = s_81 ? s_62 : s_68;
    const f32v s_83 = s_81 ? s_68 : s_62;
    scatter(out0_to + (i) * out0_stride_i, out0_stride_i, s_47, w);
    scatter(out1_at + (i) * out0_stride_i, out0_stride_i, s_75, w);
    scatter(out2_at + (i) * out0_stride_i, out0_stride_i, s_76, w);
    scatter(out3_at + (i) * out0_stride_i, out0_stride_i, s_82, w);
    scatter(out4_at + (i) * out0_stride_i, out0_stride_i, s_83, w);
    scatter(out5_at + (i) * out0_stride_i, out0_stride_i, s_69, w);
  });
}

// i < x.shape[0]
extern "C" void p_kernel(int64_t I, const float* __restrict__ x_from, int64_t* __restrict__ out0_to, int64_t x_stride_i, int64_t out0_stride_i, int64_t block) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, I);
  const float* x_1_at = x_from + 1;
  const float* x_2_at = x_from + 2;
  const float* x_3_at = x_from + 3;
  const float* x_4_at = x_from + 4;
  const float* x_5_at = x_from + 5;
  int64_t* out1_at = out0_to + 1;
  int64_t* out2_at = out0_to + 2;
  int64_t* out3_at = out0_to + 3;
  int64_t* out4_at = out0_to + 4;
  int64_t* out5_at = out0_to + 5;
  eachv<1>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = gather(x_from + i * x_stride_i, x_stride_i, w);
    const f32v x_1 = gather(x_1_at + i * x_stride_i, x_stride_i, w);
    const f32v x_2 = gather(x_2_at + i * x_stride_i, x_stride_i, w);
    const f32v x_3 = gather(x_3_at + i * x_stride_i, x_stride_i, w);
    const f32v x_4 = gather(x_4_at + i * x_stride_i, x_stride_i, w);
    const f32v x_5 = gather(x_5_at + i * x_stride_i, x_stride_i, w);
    const auto p_6 = x_1 == x_1;
    const auto p_7 = x_ != x_;
    const auto p_8 = p_7 & p_6;
    const auto p_9 = x_ > x_1;
    const auto p_10 = p_9 | p_8;
    const f32v p_11 = p_10 ? splatv(1.0f) : splatv(0.0f);
    const f32v p_12 = p_10 ? splatv(0.0f) : splatv(1.0f);
    const f32v p_13 = p_10 ? x_1 : x_;
    const f32v p_14 = p_10 ? x_ : x_1;
    const auto p_15 = x_3 == x_3;
    const auto p_16 = x_2 != x_2;
    const auto p_17 = p_16 & p_15;
    const auto p_18 = x_2 > x_3;
    const auto p_19 = p_18 | p_17;
    const f32v p_20 = p_19 ? splatv(3.0f) : splatv(2.0f);
    const f32v p_21 = p_19 ? splatv(2.0f) : splatv(3.0f);
    const f32v p_22 = p_19 ? x_3 : x_2;
    const f32v p_23 = p_19 ? x_2 : x_3;
    const auto p_24 = x_5 == x_5;
    const auto p_25 = x_4 != x_4;
    const auto p_26 = p_25 & p_24;
    const auto p_27 = x_4 > x_5;
    const auto p_28 = p_27 | p_26;
    const f32v p_29 = p_28 ? splatv(5.0f) : splatv(4.0f);
    const f32v p_30 = p_28 ? splatv(4.0f) : splatv(5.0f);
    const f32v p_31 = p_28 ? x_5 : x_4;
    const f32v p_32 = p_28 ? x_4 : x_5;
    const auto p_33 = p_22 == p_22;
    const auto p_34 = p_13 != p_13;
    const auto p_35 = p_34 & p_33;
    const auto p_36 = p_13 > p_22;
    const auto p_37 = p_36 | p_35;
    const auto p_38 = p_13 == p_13;
    const auto p_39 = p_22 != p_22;
    const auto p_40 = p_39 & p_38;
    const auto p_41 = p_22 > p_13;
    const auto p_42 = p_41 | p_40;
    const auto p_43 = p_11 > p_20;
    const auto p_44 = p_42 == 0;
    const auto p_45 = p_44 & p_43;
    const auto p_46 = p_37 | p_45;
    const f32v p_47 = p_46 ? p_20 : p_11;
    const f32v p_48 = p_46 ? p_11 : p_20;
    const f32v p_49 = p_46 ? p_22 : p_13;
    const f32v p_50 = p_46 ? p_13 : p_22;
    const auto p_51 = p_23 == p_23;
    const auto p_52 = p_14 != p_14;
    const auto p_53 = p_52 & p_51;
    const auto p_54 = p_14 > p_23;
    const auto p_55 = p_54 | p_53;
    const auto p_56 = p_14 == p_14;
    const auto p_57 = p_23 != p_23;
    const auto p_58 = p_57 & p_56;
    const auto p_59 = p_23 > p_14;
    const auto p_60 = p_59 | p_58;
    const auto p_61 = p_12 > p_21;
    const auto p_62 = p_60 == 0;
    const auto p_63 = p_62 & p_61;
    const auto p_64 = p_55 | p_63;
    const f32v p_65 = p_64 ? p_21 : p_12;
    const f32v p_66 = p_64 ? p_12 : p_21;
    const f32v p_67 = p_64 ? p_23 : p_14;
    const f32v p_68 = p_64 ? p_14 : p_23;
    const auto p_69 = p_50 == p_50;
    const auto p_70 = p_67 != p_67;
    const auto p_71 = p_70 & p_69;
    const auto p_72 = p_67 > p_50;
    const auto p_73 = p_72 | p_71;
    const auto p_74 = p_67 == p_67;
    const auto p_75 = p_50 != p_50;
    const auto p_76 = p_75 & p_74;
    const auto p_77 = p_50 > p_67;
    const auto p_78 = p_77 | p_76;
    const auto p_79 = p_65 > p_48;
    const auto p_80 = p_78 == 0;
    const auto p_81 = p_80 & p_79;
    const auto p_82 = p_73 | p_81;
    const f32v p_83 = p_82 ? p_48 : p_65;
    const f32v p_84 = p_82 ? p_65 : p_48;
    const f32v p_85 = p_82 ? p_50 : p_67;
    const f32v p_86 = p_82 ? p_67 : p_50;
    const auto p_87 = p_31 == p_31;
    const auto p_88 = p_49 != p_49;
    const auto p_89 = p_88 & p_87;
    const auto p_90 = p_49 > p_31;
    const auto p_91 = p_90 | p_89;
    const auto p_92 = p_49 == p_49;
    const auto p_93 = p_31 != p_31;
    const auto p_94 = p_93 & p_92;
    const auto p_95 = p_31 > p_49;
    const auto p_96 = p_95 | p_94;
    const auto p_97 = p_47 > p_29;
    const auto p_98 = p_96 == 0;
    const auto p_99 = p_98 & p_97;
    const auto p_100 = p_91 | p_99;
    const f32v p_101 = p_100 ? p_29 : p_47;
    const f32v p_102 = p_100 ? p_47 : p_29;
    const f32v p_103 = p_100 ? p_49 : p_31;
    const auto p_104 = p_32 == p_32;
    const auto p_105 = p_85 != p_85;
    const auto p_106 = p_105 & p_104;
    const auto p_107 = p_85 > p_32;
    const auto p_108 = p_107 | p_106;
    const auto p_109 = p_85 == p_85;
    const auto p_110 = p_32 != p_32;
    const auto p_111 = p_110 & p_109;
    const auto p_112 = p_32 > p_85;
    const auto p_113 = p_112 | p_111;
    const auto p_114 = p_83 > p_30;
    const auto p_115 = p_113 == 0;
    const auto p_116 = p_115 & p_114;
    const auto p_117 = p_108 | p_116;
    const f32v p_118 = p_117 ? p_30 : p_83;
    const f32v p_119 = p_117 ? p_83 : p_30;
    const f32v p_120 = p_117 ? p_32 : p_85;
    const f32v p_121 = p_117 ? p_85 : p_32;
    const auto p_122 = p_103 == p_103;
    const auto p_123 = p_86 != p_86;
    const auto p_124 = p_123 & p_122;
    const auto p_125 = p_86 > p_103;
    const auto p_126 = p_125 | p_124;
    const auto p_127 = p_86 == p_86;
    const auto p_128 = p_103 != p_103;
    const auto p_129 = p_128 & p_127;
    const auto p_130 = p_103 > p_86;
    const auto p_131 = p_130 | p_129;
    const auto p_132 = p_84 > p_102;
    const auto p_133 = p_131 == 0;
    const auto p_134 = p_133 & p_132;
    const auto p_135 = p_126 | p_134;
    const f32v p_136 = p_135 ? p_102 : p_84;
    const f32v p_137 = p_135 ? p_84 : p_102;
    const f32v p_138 = p_135 ? p_103 : p_86;
    const f32v p_139 = p_135 ? p_86 : p_103;
    const auto p_140 = p_121 == p_121;
    const auto p_141 = p_68 != p_68;
    const auto p_142 = p_141 & p_140;
    const auto p_143 = p_68 > p_121;
    const auto p_144 = p_143 | p_142;
    const auto p_145 = p_68 == p_68;
    const auto p_146 = p_121 != p_121;
    const auto p_147 = p_146 & p_145;
    const auto p_148 = p_121 > p_68;
    const auto p_149 = p_148 | p_147;
    const auto p_150 = p_66 > p_119;
    const auto p_151 = p_149 == 0;
    const auto p_152 = p_151 & p_150;
    const auto p_153 = p_144 | p_152;
    const f32v p_154 = p_153 ? p_119 : p_66;
    const f32v p_155 = p_153 ? p_66 : p_119;
    const f32v p_156 = p_153 ? p_121 : p_68;
    const auto p_157 = p_138 == p_138;
    const auto p_158 = p_120 != p_120;
    const auto p_159 = p_158 & p_157;
    const auto p_160 = p_120 > p_138;
    const auto p_161 = p_160 | p_159;
    const auto p_162 = p_120 == p_120;
    const auto p_163 = p_138 != p_138;
    const auto p_164 = p_163 & p_162;
    const auto p_165 = p_138 > p_120;
    const auto p_166 = p_165 | p_164;
    const auto p_167 = p_118 > p_136;
    const auto p_168 = p_166 == 0;
    const auto p_169 = p_168 & p_167;
    const auto p_170 = p_161 | p_169;
    const f32v p_171 = p_170 ? p_136 : p_118;
    const f32v p_172 = p_170 ? p_118 : p_136;
    const auto p_173 = p_139 == p_139;
    const auto p_174 = p_156 != p_156;
    const auto p_175 = p_174 & p_173;
    const auto p_176 = p_156 > p_139;
    const auto p_177 = p_176 | p_175;
    const auto p_178 = p_156 == p_156;
    const auto p_179 = p_139 != p_139;
    const auto p_180 = p_179 & p_178;
    const auto p_181 = p_139 > p_156;
    const auto p_182 = p_181 | p_180;
    const auto p_183 = p_154 > p_137;
    const auto p_184 = p_182 == 0;
    const auto p_185 = p_184 & p_183;
    const auto p_186 = p_177 | p_185;
    const f32v p_187 = p_186 ? p_137 : p_154;
    const f32v p_188 = p_186 ? p_154 : p_137;
    put_positions(out0_to + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_101, i32v), w);
    put_positions(out1_at + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_171, i32v), w);
    put_positions(out2_at + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_172, i32v), w);
    put_positions(out3_at + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_187, i32v), w);
    put_positions(out4_at + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_188, i32v), w);
    put_positions(out5_at + (i) * out0_stride_i, out0_stride_i, __builtin_convertvector(p_155, i32v), w);
  });
}
