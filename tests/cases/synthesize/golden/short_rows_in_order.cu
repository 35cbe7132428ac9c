/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 4096 and x.shape[1] == 6"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
[[step]]
launch = "s_kernel"
grid = ["cdiv(x.shape[0], THREADS1 * 4)"]
block = ["THREADS1"]
args = ["x.shape[0]", "out0", "out0.shape[1]", "x", "x.shape[1]"]
[[step]]
launch = "p_kernel"
grid = ["cdiv(x.shape[0], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["x.shape[0]", "out1", "out1.shape[1]", "x", "x.shape[1]"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
__device__ inline void put(float* to, const float (&v)[1]) { *to = v[0]; }
__device__ inline void put(float* to, const float (&v)[2]) { *(float2*)to = make_float2(v[0], v[1]); }
__device__ inline void put(float* to, const float (&v)[4]) { *(float4*)to = make_float4(v[0], v[1], v[2], v[3]); }
template <class T, int width> __device__ inline void scatter(T* to, const T (&v)[width], int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k)
    if (k < left) to[k * stride] = v[k];
}
template <int width> __device__ inline void put(float* to, const float (&v)[width], int left) {
  if (left >= width) put(to, v); else scatter(to, v, 1, left);
}

// i < x.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS1) s_kernel(int64_t I, float* __restrict__ out0_to, int64_t out0_stride_i, const float* __restrict__ x_from, int64_t x_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, I - begin);
  float* const out0_at = out0_to + begin * out0_stride_i;
  float* const out1_at = out0_to + 1 + begin * out0_stride_i;
  float* const out2_at = out0_to + 2 + begin * out0_stride_i;
  float* const out3_at = out0_to + 3 + begin * out0_stride_i;
  float* const out4_at = out0_to + 4 + begin * out0_stride_i;
  float* const out5_at = out0_to + 5 + begin * out0_stride_i;
  const float* const x_at = x_from + begin * x_stride_i;
  const float* const x_1_at = x_from + 1 + begin * x_stride_i;
  const float* const x_2_at = x_from + 2 + begin * x_stride_i;
  const float* const x_3_at = x_from + 3 + begin * x_stride_i;
  const float* const x_4_at = x_from + 4 + begin * x_stride_i;
  const float* const x_5_at = x_from + 5 + begin * x_stride_i;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS1 + (int)threadIdx.x;
    if (at < count) {
      float out0[1];
      float out1[1];
      float out2[1];
      float out3[1];
      float out4[1];
      float out5[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_at + at * x_stride_i + e * x_stride_i);
        const float x_1 = *(x_1_at + at * x_stride_i + e * x_stride_i);
        const float x_2 = *(x_2_at + at * x_stride_i + e * x_stride_i);
        const float x_3 = *(x_3_at + at * x_stride_i + e * x_stride_i);
        const float x_4 = *(x_4_at + at * x_stride_i + e * x_stride_i);
        const float x_5 = *(x_5_at + at * x_stride_i + e * x_stride_i);
        const bool s_ = x_ == x_;
        const bool s_1 = x_1 != x_1;
        const bool s_2 = s_1 && s_;
        const bool s_3 = x_1 > x_;
        const bool s_4 = s_3 || s_2;
        const float s_5 = s_4 ? x_1 : x_;
        const float s_6 = s_4 ? x_ : x_1;
        const bool s_7 = x_2 == x_2;
        const bool s_8 = x_3 != x_3;
        const bool s_9 = s_8 && s_7;
        const bool s_10 = x_3 > x_2;
        const bool s_11 = s_10 || s_9;
        const float s_12 = s_11 ? x_3 : x_2;
        const float s_13 = s_11 ? x_2 : x_3;
        const bool s_14 = x_4 == x_4;
        const bool s_15 = x_5 != x_5;
        const bool s_16 = s_15 && s_14;
        const bool s_17 = x_5 > x_4;
        const bool s_18 = s_17 || s_16;
        const float s_19 = s_18 ? x_5 : x_4;
        const float s_20 = s_18 ? x_4 : x_5;
        const bool s_21 = s_5 == s_5;
        const bool s_22 = s_12 != s_12;
        const bool s_23 = s_22 && s_21;
        const bool s_24 = s_12 > s_5;
        const bool s_25 = s_24 || s_23;
        const float s_26 = s_25 ? s_12 : s_5;
        const float s_27 = s_25 ? s_5 : s_12;
        const bool s_28 = s_6 == s_6;
        const bool s_29 = s_13 != s_13;
        const bool s_30 = s_29 && s_28;
        const bool s_31 = s_13 > s_6;
        const bool s_32 = s_31 || s_30;
        const float s_33 = s_32 ? s_13 : s_6;
        const float s_34 = s_32 ? s_6 : s_13;
        const bool s_35 = s_33 == s_33;
        const bool s_36 = s_27 != s_27;
        const bool s_37 = s_36 && s_35;
        const bool s_38 = s_27 > s_33;
        const bool s_39 = s_38 || s_37;
        const float s_40 = s_39 ? s_27 : s_33;
        const float s_41 = s_39 ? s_33 : s_27;
        const bool s_42 = s_26 == s_26;
        const bool s_43 = s_19 != s_19;
        const bool s_44 = s_43 && s_42;
        const bool s_45 = s_19 > s_26;
        const bool s_46 = s_45 || s_44;
        const float s_47 = s_46 ? s_19 : s_26;
        const float s_48 = s_46 ? s_26 : s_19;
        const bool s_49 = s_40 == s_40;
        const bool s_50 = s_20 != s_20;
        const bool s_51 = s_50 && s_49;
        const bool s_52 = s_20 > s_40;
        const bool s_53 = s_52 || s_51;
        const float s_54 = s_53 ? s_20 : s_40;
        const float s_55 = s_53 ? s_40 : s_20;
        const bool s_56 = s_41 == s_41;
        const bool s_57 = s_48 != s_48;
        const bool s_58 = s_57 && s_56;
        const bool s_59 = s_48 > s_41;
        const bool s_60 = s_59 || s_58;
        const float s_61 = s_60 ? s_48 : s_41;
        const float s_62 = s_60 ? s_41 : s_48;
        const bool s_63 = s_34 == s_34;
        const bool s_64 = s_55 != s_55;
        const bool s_65 = s_64 && s_63;
        const bool s_66 = s_55 > s_34;
        const bool s_67 = s_66 || s_65;
        const float s_68 = s_67 ? s_55 : s_34;
        const float s_69 = s_67 ? s_34 : s_55;
        const bool s_70 = s_54 == s_54;
        const bool s_71 = s_61 != s_61;
        const bool s_72 = s_71 && s_70;
        const bool s_73 = s_61 > s_54;
        const bool s_74 = s_73 || s_72;
        const float s_75 = s_74 ? s_61 : s_54;
        const float s_76 = s_74 ? s_54 : s_61;
        const bool s_77 = s_68 == s_68;
        const bool s_78 = s_62 != s_62;
        const bool s_79 = s_78 && s_77;
        const bool s_80 = s_62 > s_68;
        const bool s_81 = s_80 || s_79;
        const float s_82 = s_81 ? s_62 : s_68;
        const float s_83 = s_81 ? s_68 : s_62;
        out0[e] = s_47;
        out1[e] = s_75;
        out2[e] = s_76;
        out3[e] = s_82;
        out4[e] = s_83;
        out5[e] = s_69;
      }
      scatter(out0_at + at * out0_stride_i, out0, out0_stride_i);
      scatter(out1_at + at * out0_stride_i, out1, out0_stride_i);
      scatter(out2_at + at * out0_stride_i, out2, out0_stride_i);
      scatter(out3_at + at * out0_stride_i, out3, out0_stride_i);
      scatter(out4_at + at * out0_stride_i, out4, out0_stride_i);
      scatter(out5_at + at * out0_stride_i, out5, out0_stride_i);
    }
  }
}

// i < x.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) p_kernel(int64_t I, int64_t* __restrict__ out0_to, int64_t out0_stride_i, const float* __restrict__ x_from, int64_t x_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I - begin);
  int64_t* const out0_at = out0_to + begin * out0_stride_i;
  int64_t* const out1_at = out0_to + 1 + begin * out0_stride_i;
  int64_t* const out2_at = out0_to + 2 + begin * out0_stride_i;
  int64_t* const out3_at = out0_to + 3 + begin * out0_stride_i;
  int64_t* const out4_at = out0_to + 4 + begin * out0_stride_i;
  int64_t* const out5_at = out0_to + 5 + begin * out0_stride_i;
  const float* const x_at = x_from + begin * x_stride_i;
  const float* const x_1_at = x_from + 1 + begin * x_stride_i;
  const float* const x_2_at = x_from + 2 + begin * x_stride_i;
  const float* const x_3_at = x_from + 3 + begin * x_stride_i;
  const float* const x_4_at = x_from + 4 + begin * x_stride_i;
  const float* const x_5_at = x_from + 5 + begin * x_stride_i;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      int64_t out0[1];
      int64_t out1[1];
      int64_t out2[1];
      int64_t out3[1];
      int64_t out4[1];
      int64_t out5[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_at + at * x_stride_i + e * x_stride_i);
        const float x_1 = *(x_1_at + at * x_stride_i + e * x_stride_i);
        const float x_2 = *(x_2_at + at * x_stride_i + e * x_stride_i);
        const float x_3 = *(x_3_at + at * x_stride_i + e * x_stride_i);
        const float x_4 = *(x_4_at + at * x_stride_i + e * x_stride_i);
        const float x_5 = *(x_5_at + at * x_stride_i + e * x_stride_i);
        const bool p_6 = x_1 == x_1;
        const bool p_7 = x_ != x_;
        const bool p_8 = p_7 && p_6;
        const bool p_9 = x_ > x_1;
        const bool p_10 = p_9 || p_8;
        const float p_11 = p_10 ? 1.0f : 0.0f;
        const float p_12 = p_10 ? 0.0f : 1.0f;
        const float p_13 = p_10 ? x_1 : x_;
        const float p_14 = p_10 ? x_ : x_1;
        const bool p_15 = x_3 == x_3;
        const bool p_16 = x_2 != x_2;
        const bool p_17 = p_16 && p_15;
        const bool p_18 = x_2 > x_3;
        const bool p_19 = p_18 || p_17;
        const float p_20 = p_19 ? 3.0f : 2.0f;
        const float p_21 = p_19 ? 2.0f : 3.0f;
        const float p_22 = p_19 ? x_3 : x_2;
        const float p_23 = p_19 ? x_2 : x_3;
        const bool p_24 = x_5 == x_5;
        const bool p_25 = x_4 != x_4;
        const bool p_26 = p_25 && p_24;
        const bool p_27 = x_4 > x_5;
        const bool p_28 = p_27 || p_26;
        const float p_29 = p_28 ? 5.0f : 4.0f;
        const float p_30 = p_28 ? 4.0f : 5.0f;
        const float p_31 = p_28 ? x_5 : x_4;
        const float p_32 = p_28 ? x_4 : x_5;
        const bool p_33 = p_22 == p_22;
        const bool p_34 = p_13 != p_13;
        const bool p_35 = p_34 && p_33;
        const bool p_36 = p_13 > p_22;
        const bool p_37 = p_36 || p_35;
        const bool p_38 = p_13 == p_13;
        const bool p_39 = p_22 != p_22;
        const bool p_40 = p_39 && p_38;
        const bool p_41 = p_22 > p_13;
        const bool p_42 = p_41 || p_40;
        const bool p_43 = p_11 > p_20;
        const bool p_44 = !p_42;
        const bool p_45 = p_44 && p_43;
        const bool p_46 = p_37 || p_45;
        const float p_47 = p_46 ? p_20 : p_11;
        const float p_48 = p_46 ? p_11 : p_20;
        const float p_49 = p_46 ? p_22 : p_13;
        const float p_50 = p_46 ? p_13 : p_22;
        const bool p_51 = p_23 == p_23;
        const bool p_52 = p_14 != p_14;
        const bool p_53 = p_52 && p_51;
        const bool p_54 = p_14 > p_23;
        const bool p_55 = p_54 || p_53;
        const bool p_56 = p_14 == p_14;
        const bool p_57 = p_23 != p_23;
        const bool p_58 = p_57 && p_56;
        const bool p_59 = p_23 > p_14;
        const bool p_60 = p_59 || p_58;
        const bool p_61 = p_12 > p_21;
        const bool p_62 = !p_60;
        const bool p_63 = p_62 && p_61;
        const bool p_64 = p_55 || p_63;
        const float p_65 = p_64 ? p_21 : p_12;
        const float p_66 = p_64 ? p_12 : p_21;
        const float p_67 = p_64 ? p_23 : p_14;
        const float p_68 = p_64 ? p_14 : p_23;
        const bool p_69 = p_50 == p_50;
        const bool p_70 = p_67 != p_67;
        const bool p_71 = p_70 && p_69;
        const bool p_72 = p_67 > p_50;
        const bool p_73 = p_72 || p_71;
        const bool p_74 = p_67 == p_67;
        const bool p_75 = p_50 != p_50;
        const bool p_76 = p_75 && p_74;
        const bool p_77 = p_50 > p_67;
        const bool p_78 = p_77 || p_76;
        const bool p_79 = p_65 > p_48;
        const bool p_80 = !p_78;
        const bool p_81 = p_80 && p_79;
        const bool p_82 = p_73 || p_81;
        const float p_83 = p_82 ? p_48 : p_65;
        const float p_84 = p_82 ? p_65 : p_48;
        const float p_85 = p_82 ? p_50 : p_67;
        const float p_86 = p_82 ? p_67 : p_50;
        const bool p_87 = p_31 == p_31;
        const bool p_88 = p_49 != p_49;
        const bool p_89 = p_88 && p_87;
        const bool p_90 = p_49 > p_31;
        const bool p_91 = p_90 || p_89;
        const bool p_92 = p_49 == p_49;
        const bool p_93 = p_31 != p_31;
        const bool p_94 = p_93 && p_92;
        const bool p_95 = p_31 > p_49;
        const bool p_96 = p_95 || p_94;
        const bool p_97 = p_47 > p_29;
        const bool p_98 = !p_96;
        const bool p_99 = p_98 && p_97;
        const bool p_100 = p_91 || p_99;
        const float p_101 = p_100 ? p_29 : p_47;
        const float p_102 = p_100 ? p_47 : p_29;
        const float p_103 = p_100 ? p_49 : p_31;
        const bool p_104 = p_32 == p_32;
        const bool p_105 = p_85 != p_85;
        const bool p_106 = p_105 && p_104;
        const bool p_107 = p_85 > p_32;
        const bool p_108 = p_107 || p_106;
        const bool p_109 = p_85 == p_85;
        const bool p_110 = p_32 != p_32;
        const bool p_111 = p_110 && p_109;
        const bool p_112 = p_32 > p_85;
        const bool p_113 = p_112 || p_111;
        const bool p_114 = p_83 > p_30;
        const bool p_115 = !p_113;
        const bool p_116 = p_115 && p_114;
        const bool p_117 = p_108 || p_116;
        const float p_118 = p_117 ? p_30 : p_83;
        const float p_119 = p_117 ? p_83 : p_30;
        const float p_120 = p_117 ? p_32 : p_85;
        const float p_121 = p_117 ? p_85 : p_32;
        const bool p_122 = p_103 == p_103;
        const bool p_123 = p_86 != p_86;
        const bool p_124 = p_123 && p_122;
        const bool p_125 = p_86 > p_103;
        const bool p_126 = p_125 || p_124;
        const bool p_127 = p_86 == p_86;
        const bool p_128 = p_103 != p_103;
        const bool p_129 = p_128 && p_127;
        const bool p_130 = p_103 > p_86;
        const bool p_131 = p_130 || p_129;
        const bool p_132 = p_84 > p_102;
        const bool p_133 = !p_131;
        const bool p_134 = p_133 && p_132;
        const bool p_135 = p_126 || p_134;
        const float p_136 = p_135 ? p_102 : p_84;
        const float p_137 = p_135 ? p_84 : p_102;
        const float p_138 = p_135 ? p_103 : p_86;
        const float p_139 = p_135 ? p_86 : p_103;
        const bool p_140 = p_121 == p_121;
        const bool p_141 = p_68 != p_68;
        const bool p_142 = p_141 && p_140;
        const bool p_143 = p_68 > p_121;
        const bool p_144 = p_143 || p_142;
        const bool p_145 = p_68 == p_68;
        const bool p_146 = p_121 != p_121;
        const bool p_147 = p_146 && p_145;
        const bool p_148 = p_121 > p_68;
        const bool p_149 = p_148 || p_147;
        const bool p_150 = p_66 > p_119;
        const bool p_151 = !p_149;
        const bool p_152 = p_151 && p_150;
        const bool p_153 = p_144 || p_152;
        const float p_154 = p_153 ? p_119 : p_66;
        const float p_155 = p_153 ? p_66 : p_119;
        const float p_156 = p_153 ? p_121 : p_68;
        const bool p_157 = p_138 == p_138;
        const bool p_158 = p_120 != p_120;
        const bool p_159 = p_158 && p_157;
        const bool p_160 = p_120 > p_138;
        const bool p_161 = p_160 || p_159;
        const bool p_162 = p_120 == p_120;
        const bool p_163 = p_138 != p_138;
        const bool p_164 = p_163 && p_162;
        const bool p_165 = p_138 > p_120;
        const bool p_166 = p_165 || p_164;
        const bool p_167 = p_118 > p_136;
        const bool p_168 = !p_166;
        const bool p_169 = p_168 && p_167;
        const bool p_170 = p_161 || p_169;
        const float p_171 = p_170 ? p_136 : p_118;
        const float p_172 = p_170 ? p_118 : p_136;
        const bool p_173 = p_139 == p_139;
        const bool p_174 = p_156 != p_156;
        const bool p_175 = p_174 && p_173;
        const bool p_176 = p_156 > p_139;
        const bool p_177 = p_176 || p_175;
        const bool p_178 = p_156 == p_156;
        const bool p_179 = p_139 != p_139;
        const bool p_180 = p_179 && p_178;
        const bool p_181 = p_139 > p_156;
        const bool p_182 = p_181 || p_180;
        const bool p_183 = p_154 > p_137;
        const bool p_184 = !p_182;
        const bool p_185 = p_184 && p_183;
        const bool p_186 = p_177 || p_185;
        const float p_187 = p_186 ? p_137 : p_154;
        const float p_188 = p_186 ? p_154 : p_137;
        out0[e] = p_101;
        out1[e] = p_171;
        out2[e] = p_172;
        out3[e] = p_187;
        out4[e] = p_188;
        out5[e] = p_155;
      }
      scatter(out0_at + at * out0_stride_i, out0, out0_stride_i);
      scatter(out1_at + at * out0_stride_i, out1, out0_stride_i);
      scatter(out2_at + at * out0_stride_i, out2, out0_stride_i);
      scatter(out3_at + at * out0_stride_i, out3, out0_stride_i);
      scatter(out4_at + at * out0_stride_i, out4, out0_stride_i);
      scatter(out5_at + at * out0_stride_i, out5, out0_stride_i);
    }
  }
}
