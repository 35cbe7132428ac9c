/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300"
[tune]
THREADS = [128, 256]
[[step]]
launch = "add_1_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1]", "out", "x", "y"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// A vector from memory; of `left` elements at the end of a tensor.
__device__ inline void get(float (&to)[1], const float* from) { to[0] = *from; }
__device__ inline void get(float (&to)[2], const float* from) {
  const float2 v = *(const float2*)from;
  to[0] = v.x, to[1] = v.y;
}
__device__ inline void get(float (&to)[4], const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
template <class T, int width> __device__ inline void gather(T (&to)[width], const T* from, int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k) to[k] = k < left ? from[k * stride] : T();
}
template <int width> __device__ inline void get(float (&to)[width], const float* from, int left) {
  if (left >= width) get(to, from); else gather(to, from, 1, left);
}
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
__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }

// i < x.shape[0] * x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) add_1_kernel(int64_t I, float* __restrict__ out_to, const float* __restrict__ x_from, const float* __restrict__ y_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  const float* const y_at = y_from + begin;
  float x_[1][4];
  float y_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      get(x_[v], x_at + at, count - at);
      get(y_[v], y_at + at, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float lgamma = fabsf(x_[v][e]);
        const float lgamma_2 = lgamma - 1.0f;
        const float lgamma_4 = lgamma - 2.0f;
        const bool lgamma_6 = lgamma >= 4.5f;
        const float lgamma_8 = lgamma - 4.0f;
        const float lgamma_10 = lgamma - 3.0f;
        const bool lgamma_12 = lgamma < 3.5f;
        const float lgamma_13 = lgamma_12 ? lgamma_10 : lgamma_8;
        const bool lgamma_15 = lgamma < 2.5f;
        const float lgamma_16 = lgamma_15 ? lgamma_4 : lgamma_13;
        const bool lgamma_18 = lgamma < 1.5f;
        const float lgamma_19 = lgamma_18 ? lgamma_2 : lgamma_16;
        const bool lgamma_21 = lgamma < 0.5f;
        const float lgamma_22 = lgamma_21 ? lgamma : lgamma_19;
        const float lgamma_23 = smaller(lgamma_22, 0.5f);
        const float lgamma_24 = lgamma_2 * lgamma_4;
        const float lgamma_25 = lgamma + 1.0f;
        const float lgamma_26 = lgamma * lgamma_25;
        const float lgamma_27 = lgamma_12 ? lgamma_2 : lgamma_24;
        const float lgamma_28 = lgamma_15 ? 1.0f : lgamma_27;
        const float lgamma_29 = lgamma_18 ? lgamma : lgamma_28;
        const float lgamma_30 = lgamma_21 ? lgamma_26 : lgamma_29;
        const float lgamma_31 = lgamma_6 ? lgamma : lgamma_30;
        const float lgamma_32 = logf(lgamma_31);
        const float lgamma_34 = lgamma_23 * -5.545628e-05f;
        const float lgamma_36 = lgamma_34 + 0.00011496915f;
        const float lgamma_37 = lgamma_36 * lgamma_23;
        const float lgamma_39 = lgamma_37 + -0.0002192005f;
        const float lgamma_40 = lgamma_39 * lgamma_23;
        const float lgamma_42 = lgamma_40 + 0.0005056767f;
        const float lgamma_43 = lgamma_42 * lgamma_23;
        const float lgamma_45 = lgamma_43 + -0.0011934201f;
        const float lgamma_46 = lgamma_45 * lgamma_23;
        const float lgamma_48 = lgamma_46 + 0.0028909526f;
        const float lgamma_49 = lgamma_48 * lgamma_23;
        const float lgamma_51 = lgamma_49 + -0.0073855007f;
        const float lgamma_52 = lgamma_51 * lgamma_23;
        const float lgamma_54 = lgamma_52 + 0.02058079f;
        const float lgamma_55 = lgamma_54 * lgamma_23;
        const float lgamma_57 = lgamma_55 + -0.0673523f;
        const float lgamma_58 = lgamma_57 * lgamma_23;
        const float lgamma_60 = lgamma_58 + 0.32246703f;
        const float lgamma_61 = lgamma_60 * lgamma_23;
        const float lgamma_63 = lgamma_61 + 0.42278433f;
        const float lgamma_64 = lgamma_23 * lgamma_63;
        const float lgamma_65 = -(lgamma_32);
        const float lgamma_66 = lgamma_18 ? lgamma_65 : lgamma_32;
        const float lgamma_67 = lgamma_64 + lgamma_66;
        const float lgamma_68 = 1.0f / lgamma;
        const float lgamma_69 = lgamma_68 * lgamma_68;
        const float lgamma_71 = lgamma_69 * 0.0008417508f;
        const float lgamma_73 = lgamma_71 + -0.0005952381f;
        const float lgamma_74 = lgamma_73 * lgamma_69;
        const float lgamma_76 = lgamma_74 + 0.0007936508f;
        const float lgamma_77 = lgamma_76 * lgamma_69;
        const float lgamma_79 = lgamma_77 + -0.0027777778f;
        const float lgamma_80 = lgamma_79 * lgamma_69;
        const float lgamma_82 = lgamma_80 + 0.083333336f;
        const float lgamma_83 = lgamma_68 * lgamma_82;
        const float lgamma_84 = lgamma_32 - 1.0f;
        const float lgamma_85 = lgamma - 0.5f;
        const float lgamma_86 = lgamma_85 * lgamma_84;
        const float lgamma_88 = lgamma_83 + 0.41893855f;
        const float lgamma_89 = lgamma_86 + lgamma_88;
        const float lgamma_90 = lgamma_6 ? lgamma_89 : lgamma_67;
        const float lgamma_91 = floorf(lgamma);
        const float lgamma_92 = lgamma - lgamma_91;
        const float lgamma_93 = 1.0f - lgamma_92;
        const float lgamma_94 = smaller(lgamma_92, lgamma_93);
        const float lgamma_95 = lgamma_94 * lgamma_94;
        const float lgamma_97 = lgamma_95 * -0.007028024f;
        const float lgamma_99 = lgamma_97 + 0.08205043f;
        const float lgamma_100 = lgamma_99 * lgamma_95;
        const float lgamma_102 = lgamma_100 + -0.5992523f;
        const float lgamma_103 = lgamma_102 * lgamma_95;
        const float lgamma_105 = lgamma_103 + 2.5501633f;
        const float lgamma_106 = lgamma_105 * lgamma_95;
        const float lgamma_108 = lgamma_106 + -5.1677127f;
        const float lgamma_109 = lgamma_108 * lgamma_95;
        const float lgamma_111 = lgamma_109 + 3.1415927f;
        const float lgamma_112 = lgamma_94 * lgamma_111;
        const float lgamma_113 = logf(lgamma);
        const float lgamma_114 = lgamma_113 + lgamma_90;
        const float lgamma_116 = 3.1415927f / lgamma_112;
        const float lgamma_117 = logf(lgamma_116);
        const float lgamma_118 = lgamma_117 - lgamma_114;
        const bool lgamma_120 = x_[v][e] < 0.0f;
        const float lgamma_121 = lgamma_120 ? lgamma_118 : lgamma_90;
        const bool lgamma_123 = lgamma == infinity();
        const float lgamma_124 = lgamma_123 ? infinity() : lgamma_121;
        const bool digamma = y_[v][e] < 0.0f;
        const float digamma_1 = 1.0f - y_[v][e];
        const float digamma_2 = digamma ? digamma_1 : y_[v][e];
        const float digamma_4 = digamma_2 + 6.0f;
        const float digamma_5 = 1.0f / digamma_4;
        const float digamma_6 = digamma_5 * digamma_5;
        const float digamma_8 = digamma_2 + 5.0f;
        const float digamma_9 = 1.0f / digamma_8;
        const float digamma_10 = digamma_2 + 4.0f;
        const float digamma_11 = 1.0f / digamma_10;
        const float digamma_12 = digamma_9 + digamma_11;
        const float digamma_13 = digamma_2 + 3.0f;
        const float digamma_14 = 1.0f / digamma_13;
        const float digamma_15 = digamma_12 + digamma_14;
        const float digamma_16 = digamma_2 + 2.0f;
        const float digamma_17 = 1.0f / digamma_16;
        const float digamma_18 = digamma_15 + digamma_17;
        const float digamma_19 = digamma_2 + 1.0f;
        const float digamma_20 = 1.0f / digamma_19;
        const float digamma_21 = digamma_18 + digamma_20;
        const float digamma_22 = 1.0f / digamma_2;
        const float digamma_23 = digamma_21 + digamma_22;
        const float digamma_25 = digamma_6 * 0.003968254f;
        const float digamma_27 = digamma_25 + -0.008333334f;
        const float digamma_28 = digamma_27 * digamma_6;
        const float digamma_29 = digamma_28 + 0.083333336f;
        const float digamma_30 = digamma_6 * digamma_29;
        const float digamma_31 = digamma_5 * 0.5f;
        const float digamma_32 = digamma_31 + digamma_30;
        const float digamma_33 = logf(digamma_4);
        const float digamma_34 = digamma_33 - digamma_32;
        const float digamma_35 = digamma_34 - digamma_23;
        const float digamma_36 = fabsf(y_[v][e]);
        const float digamma_37 = floorf(digamma_36);
        const float digamma_38 = digamma_36 - digamma_37;
        const float digamma_39 = 1.0f - digamma_38;
        const float digamma_40 = smaller(digamma_38, digamma_39);
        const float digamma_41 = digamma_40 * digamma_40;
        const float digamma_42 = digamma_41 * -0.007028024f;
        const float digamma_43 = digamma_42 + 0.08205043f;
        const float digamma_44 = digamma_43 * digamma_41;
        const float digamma_45 = digamma_44 + -0.5992523f;
        const float digamma_46 = digamma_45 * digamma_41;
        const float digamma_47 = digamma_46 + 2.5501633f;
        const float digamma_48 = digamma_47 * digamma_41;
        const float digamma_49 = digamma_48 + -5.1677127f;
        const float digamma_50 = digamma_49 * digamma_41;
        const float digamma_51 = digamma_50 + 3.1415927f;
        const float digamma_52 = digamma_40 * digamma_51;
        const float digamma_53 = 0.5f - digamma_38;
        const float digamma_54 = digamma_53 * digamma_53;
        const float digamma_55 = digamma_54 * -0.007028024f;
        const float digamma_56 = digamma_55 + 0.08205043f;
        const float digamma_57 = digamma_56 * digamma_54;
        const float digamma_58 = digamma_57 + -0.5992523f;
        const float digamma_59 = digamma_58 * digamma_54;
        const float digamma_60 = digamma_59 + 2.5501633f;
        const float digamma_61 = digamma_60 * digamma_54;
        const float digamma_62 = digamma_61 + -5.1677127f;
        const float digamma_63 = digamma_62 * digamma_54;
        const float digamma_64 = digamma_63 + 3.1415927f;
        const float digamma_65 = digamma_53 * digamma_64;
        const float digamma_66 = digamma_65 * 3.1415927f;
        const float digamma_67 = digamma_66 / digamma_52;
        const float digamma_68 = digamma_35 + digamma_67;
        const bool digamma_70 = y_[v][e] == -infinity();
        const bool digamma_71 = digamma_38 == 0.0f;
        const bool digamma_72 = digamma_71 || digamma_70;
        const float digamma_74 = digamma_72 ? not_a_number() : digamma_68;
        const float digamma_75 = digamma ? digamma_74 : digamma_35;
        const float digamma_76 = 1.0f / y_[v][e];
        const float digamma_77 = -(digamma_76);
        const bool digamma_78 = y_[v][e] == 0.0f;
        const float digamma_79 = digamma_78 ? digamma_77 : digamma_75;
        const float erfinv = digamma_36 + 1.0f;
        const float erfinv_1 = 1.0f - digamma_36;
        const float erfinv_2 = erfinv_1 * erfinv;
        const float erfinv_3 = logf(erfinv_2);
        const float erfinv_4 = -(erfinv_3);
        const float erfinv_5 = erfinv_4 - 2.5f;
        const float erfinv_7 = erfinv_5 * -8.941414e-09f;
        const float erfinv_9 = erfinv_7 + 2.32648e-08f;
        const float erfinv_10 = erfinv_9 * erfinv_5;
        const float erfinv_12 = erfinv_10 + 4.6826696e-07f;
        const float erfinv_13 = erfinv_12 * erfinv_5;
        const float erfinv_15 = erfinv_13 + -3.463093e-06f;
        const float erfinv_16 = erfinv_15 * erfinv_5;
        const float erfinv_18 = erfinv_16 + -4.9730697e-06f;
        const float erfinv_19 = erfinv_18 * erfinv_5;
        const float erfinv_21 = erfinv_19 + 0.00021834589f;
        const float erfinv_22 = erfinv_21 * erfinv_5;
        const float erfinv_24 = erfinv_22 + -0.0012527253f;
        const float erfinv_25 = erfinv_24 * erfinv_5;
        const float erfinv_27 = erfinv_25 + -0.0041773883f;
        const float erfinv_28 = erfinv_27 * erfinv_5;
        const float erfinv_30 = erfinv_28 + 0.24664028f;
        const float erfinv_31 = erfinv_30 * erfinv_5;
        const float erfinv_33 = erfinv_31 + 1.5014094f;
        const float erfinv_34 = sqrtf(erfinv_4);
        const float erfinv_35 = erfinv_34 - 3.0f;
        const float erfinv_37 = erfinv_35 * -3.178717e-05f;
        const float erfinv_39 = erfinv_37 + 0.00016354563f;
        const float erfinv_40 = erfinv_39 * erfinv_35;
        const float erfinv_42 = erfinv_40 + -0.00027432895f;
        const float erfinv_43 = erfinv_42 * erfinv_35;
        const float erfinv_45 = erfinv_43 + -0.000124404f;
        const float erfinv_46 = erfinv_45 * erfinv_35;
        const float erfinv_48 = erfinv_46 + 0.0014735356f;
        const float erfinv_49 = erfinv_48 * erfinv_35;
        const float erfinv_51 = erfinv_49 + -0.0035649503f;
        const float erfinv_52 = erfinv_51 * erfinv_35;
        const float erfinv_54 = erfinv_52 + 0.00568808f;
        const float erfinv_55 = erfinv_54 * erfinv_35;
        const float erfinv_57 = erfinv_55 + -0.007643155f;
        const float erfinv_58 = erfinv_57 * erfinv_35;
        const float erfinv_60 = erfinv_58 + 0.009445262f;
        const float erfinv_61 = erfinv_60 * erfinv_35;
        const float erfinv_63 = erfinv_61 + 1.0016752f;
        const float erfinv_64 = erfinv_63 * erfinv_35;
        const float erfinv_66 = erfinv_64 + 2.8329768f;
        const bool erfinv_67 = erfinv_4 < 5.0f;
        const float erfinv_68 = erfinv_67 ? erfinv_33 : erfinv_66;
        const float erfinv_69 = y_[v][e] * erfinv_68;
        const float erfinv_70 = y_[v][e] * infinity();
        const bool erfinv_71 = digamma_36 == 1.0f;
        const float erfinv_72 = erfinv_71 ? erfinv_70 : erfinv_69;
        const float add = lgamma_124 + digamma_79;
        const float add_1 = add + erfinv_72;
        out[e] = add_1;
      }
      put(out_at + at, out, count - at);
    }
  }
}
