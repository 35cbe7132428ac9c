/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300"
[tune]
BLOCK = [2048]
[[step]]
launch = "add_1_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], BLOCK)"]
args = ["x.shape[0] * x.shape[1]", "x", "y", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// The smaller one; NaN if either is.
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
static inline f32v smaller(f32v a, f32v b) { return ((a < b) | (a != a)) ? a : b; }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}
template <class F> static inline f32v map(f32v v, F f) {
  for (int l = 0; l < vlen; ++l) v[l] = f(v[l]);
  return v;
}

// i < x.shape[0] * x.shape[1]
extern "C" void add_1_kernel(int64_t I, const float* __restrict__ x_from, const float* __restrict__ y_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = at(x_from + i, w);
    const f32v lgamma = absv(x_);
    const f32v lgamma_2 = lgamma - 1.0f;
    const f32v lgamma_4 = lgamma - 2.0f;
    const auto lgamma_6 = lgamma >= 4.5f;
    const f32v lgamma_8 = lgamma - 4.0f;
    const f32v lgamma_10 = lgamma - 3.0f;
    const auto lgamma_12 = lgamma < 3.5f;
    const f32v lgamma_13 = lgamma_12 ? lgamma_10 : lgamma_8;
    const auto lgamma_15 = lgamma < 2.5f;
    const f32v lgamma_16 = lgamma_15 ? lgamma_4 : lgamma_13;
    const auto lgamma_18 = lgamma < 1.5f;
    const f32v lgamma_19 = lgamma_18 ? lgamma_2 : lgamma_16;
    const auto lgamma_21 = lgamma < 0.5f;
    const f32v lgamma_22 = lgamma_21 ? lgamma : lgamma_19;
    const f32v lgamma_23 = smaller(lgamma_22, splatv(0.5f));
    const f32v lgamma_24 = lgamma_2 * lgamma_4;
    const f32v lgamma_25 = lgamma + 1.0f;
    const f32v lgamma_26 = lgamma * lgamma_25;
    const f32v lgamma_27 = lgamma_12 ? lgamma_2 : lgamma_24;
    const f32v lgamma_28 = lgamma_15 ? splatv(1.0f) : lgamma_27;
    const f32v lgamma_29 = lgamma_18 ? lgamma : lgamma_28;
    const f32v lgamma_30 = lgamma_21 ? lgamma_26 : lgamma_29;
    const f32v lgamma_31 = lgamma_6 ? lgamma : lgamma_30;
    const f32v lgamma_32 = logv(lgamma_31);
    const f32v lgamma_34 = lgamma_23 * -5.545628e-05f;
    const f32v lgamma_36 = lgamma_34 + 0.00011496915f;
    const f32v lgamma_37 = lgamma_36 * lgamma_23;
    const f32v lgamma_39 = lgamma_37 + -0.0002192005f;
    const f32v lgamma_40 = lgamma_39 * lgamma_23;
    const f32v lgamma_42 = lgamma_40 + 0.0005056767f;
    const f32v lgamma_43 = lgamma_42 * lgamma_23;
    const f32v lgamma_45 = lgamma_43 + -0.0011934201f;
    const f32v lgamma_46 = lgamma_45 * lgamma_23;
    const f32v lgamma_48 = lgamma_46 + 0.0028909526f;
    const f32v lgamma_49 = lgamma_48 * lgamma_23;
    const f32v lgamma_51 = lgamma_49 + -0.0073855007f;
    const f32v lgamma_52 = lgamma_51 * lgamma_23;
    const f32v lgamma_54 = lgamma_52 + 0.02058079f;
    const f32v lgamma_55 = lgamma_54 * lgamma_23;
    const f32v lgamma_57 = lgamma_55 + -0.0673523f;
    const f32v lgamma_58 = lgamma_57 * lgamma_23;
    const f32v lgamma_60 = lgamma_58 + 0.32246703f;
    const f32v lgamma_61 = lgamma_60 * lgamma_23;
    const f32v lgamma_63 = lgamma_61 + 0.42278433f;
    const f32v lgamma_64 = lgamma_23 * lgamma_63;
    const f32v lgamma_65 = -(lgamma_32);
    const f32v lgamma_66 = lgamma_18 ? lgamma_65 : lgamma_32;
    const f32v lgamma_67 = lgamma_64 + lgamma_66;
    const f32v lgamma_68 = 1.0f / lgamma;
    const f32v lgamma_69 = lgamma_68 * lgamma_68;
    const f32v lgamma_71 = lgamma_69 * 0.0008417508f;
    const f32v lgamma_73 = lgamma_71 + -0.0005952381f;
    const f32v lgamma_74 = lgamma_73 * lgamma_69;
    const f32v lgamma_76 = lgamma_74 + 0.0007936508f;
    const f32v lgamma_77 = lgamma_76 * lgamma_69;
    const f32v lgamma_79 = lgamma_77 + -0.0027777778f;
    const f32v lgamma_80 = lgamma_79 * lgamma_69;
    const f32v lgamma_82 = lgamma_80 + 0.083333336f;
    const f32v lgamma_83 = lgamma_68 * lgamma_82;
    const f32v lgamma_84 = lgamma_32 - 1.0f;
    const f32v lgamma_85 = lgamma - 0.5f;
    const f32v lgamma_86 = lgamma_85 * lgamma_84;
    const f32v lgamma_88 = lgamma_83 + 0.41893855f;
    const f32v lgamma_89 = lgamma_86 + lgamma_88;
    const f32v lgamma_90 = lgamma_6 ? lgamma_89 : lgamma_67;
    const f32v lgamma_91 = map(lgamma, [](float a) { return __builtin_floorf(a); });
    const f32v lgamma_92 = lgamma - lgamma_91;
    const f32v lgamma_93 = 1.0f - lgamma_92;
    const f32v lgamma_94 = smaller(lgamma_92, lgamma_93);
    const f32v lgamma_95 = lgamma_94 * lgamma_94;
    const f32v lgamma_97 = lgamma_95 * -0.007028024f;
    const f32v lgamma_99 = lgamma_97 + 0.08205043f;
    const f32v lgamma_100 = lgamma_99 * lgamma_95;
    const f32v lgamma_102 = lgamma_100 + -0.5992523f;
    const f32v lgamma_103 = lgamma_102 * lgamma_95;
    const f32v lgamma_105 = lgamma_103 + 2.5501633f;
    const f32v lgamma_106 = lgamma_105 * lgamma_95;
    const f32v lgamma_108 = lgamma_106 + -5.1677127f;
    const f32v lgamma_109 = lgamma_108 * lgamma_95;
    const f32v lgamma_111 = lgamma_109 + 3.1415927f;
    const f32v lgamma_112 = lgamma_94 * lgamma_111;
    const f32v lgamma_113 = logv(lgamma);
    const f32v lgamma_114 = lgamma_113 + lgamma_90;
    const f32v lgamma_116 = 3.1415927f / lgamma_112;
    const f32v lgamma_117 = logv(lgamma_116);
    const f32v lgamma_118 = lgamma_117 - lgamma_114;
    const auto lgamma_120 = x_ < 0.0f;
    const f32v lgamma_121 = lgamma_120 ? lgamma_118 : lgamma_90;
    const auto lgamma_123 = lgamma == __builtin_inff();
    const f32v lgamma_124 = lgamma_123 ? splatv(__builtin_inff()) : lgamma_121;
    const f32v y_ = at(y_from + i, w);
    const auto digamma = y_ < 0.0f;
    const f32v digamma_1 = 1.0f - y_;
    const f32v digamma_2 = digamma ? digamma_1 : y_;
    const f32v digamma_4 = digamma_2 + 6.0f;
    const f32v digamma_5 = 1.0f / digamma_4;
    const f32v digamma_6 = digamma_5 * digamma_5;
    const f32v digamma_8 = digamma_2 + 5.0f;
    const f32v digamma_9 = 1.0f / digamma_8;
    const f32v digamma_10 = digamma_2 + 4.0f;
    const f32v digamma_11 = 1.0f / digamma_10;
    const f32v digamma_12 = digamma_9 + digamma_11;
    const f32v digamma_13 = digamma_2 + 3.0f;
    const f32v digamma_14 = 1.0f / digamma_13;
    const f32v digamma_15 = digamma_12 + digamma_14;
    const f32v digamma_16 = digamma_2 + 2.0f;
    const f32v digamma_17 = 1.0f / digamma_16;
    const f32v digamma_18 = digamma_15 + digamma_17;
    const f32v digamma_19 = digamma_2 + 1.0f;
    const f32v digamma_20 = 1.0f / digamma_19;
    const f32v digamma_21 = digamma_18 + digamma_20;
    const f32v digamma_22 = 1.0f / digamma_2;
    const f32v digamma_23 = digamma_21 + digamma_22;
    const f32v digamma_25 = digamma_6 * 0.003968254f;
    const f32v digamma_27 = digamma_25 + -0.008333334f;
    const f32v digamma_28 = digamma_27 * digamma_6;
    const f32v digamma_29 = digamma_28 + 0.083333336f;
    const f32v digamma_30 = digamma_6 * digamma_29;
    const f32v digamma_31 = digamma_5 * 0.5f;
    const f32v digamma_32 = digamma_31 + digamma_30;
    const f32v digamma_33 = logv(digamma_4);
    const f32v digamma_34 = digamma_33 - digamma_32;
    const f32v digamma_35 = digamma_34 - digamma_23;
    const f32v digamma_36 = absv(y_);
    const f32v digamma_37 = map(digamma_36, [](float a) { return __builtin_floorf(a); });
    const f32v digamma_38 = digamma_36 - digamma_37;
    const f32v digamma_39 = 1.0f - digamma_38;
    const f32v digamma_40 = smaller(digamma_38, digamma_39);
    const f32v digamma_41 = digamma_40 * digamma_40;
    const f32v digamma_42 = digamma_41 * -0.007028024f;
    const f32v digamma_43 = digamma_42 + 0.08205043f;
    const f32v digamma_44 = digamma_43 * digamma_41;
    const f32v digamma_45 = digamma_44 + -0.5992523f;
    const f32v digamma_46 = digamma_45 * digamma_41;
    const f32v digamma_47 = digamma_46 + 2.5501633f;
    const f32v digamma_48 = digamma_47 * digamma_41;
    const f32v digamma_49 = digamma_48 + -5.1677127f;
    const f32v digamma_50 = digamma_49 * digamma_41;
    const f32v digamma_51 = digamma_50 + 3.1415927f;
    const f32v digamma_52 = digamma_40 * digamma_51;
    const f32v digamma_53 = 0.5f - digamma_38;
    const f32v digamma_54 = digamma_53 * digamma_53;
    const f32v digamma_55 = digamma_54 * -0.007028024f;
    const f32v digamma_56 = digamma_55 + 0.08205043f;
    const f32v digamma_57 = digamma_56 * digamma_54;
    const f32v digamma_58 = digamma_57 + -0.5992523f;
    const f32v digamma_59 = digamma_58 * digamma_54;
    const f32v digamma_60 = digamma_59 + 2.5501633f;
    const f32v digamma_61 = digamma_60 * digamma_54;
    const f32v digamma_62 = digamma_61 + -5.1677127f;
    const f32v digamma_63 = digamma_62 * digamma_54;
    const f32v digamma_64 = digamma_63 + 3.1415927f;
    const f32v digamma_65 = digamma_53 * digamma_64;
    const f32v digamma_66 = digamma_65 * 3.1415927f;
    const f32v digamma_67 = digamma_66 / digamma_52;
    const f32v digamma_68 = digamma_35 + digamma_67;
    const auto digamma_70 = y_ == -__builtin_inff();
    const auto digamma_71 = digamma_38 == 0.0f;
    const auto digamma_72 = digamma_71 | digamma_70;
    const f32v digamma_74 = digamma_72 ? splatv(__builtin_nanf("")) : digamma_68;
    const f32v digamma_75 = digamma ? digamma_74 : digamma_35;
    const f32v digamma_76 = 1.0f / y_;
    const f32v digamma_77 = -(digamma_76);
    const auto digamma_78 = y_ == 0.0f;
    const f32v digamma_79 = digamma_78 ? digamma_77 : digamma_75;
    const f32v erfinv = digamma_36 + 1.0f;
    const f32v erfinv_1 = 1.0f - digamma_36;
    const f32v erfinv_2 = erfinv_1 * erfinv;
    const f32v erfinv_3 = logv(erfinv_2);
    const f32v erfinv_4 = -(erfinv_3);
    const f32v erfinv_5 = erfinv_4 - 2.5f;
    const f32v erfinv_7 = erfinv_5 * -8.941414e-09f;
    const f32v erfinv_9 = erfinv_7 + 2.32648e-08f;
    const f32v erfinv_10 = erfinv_9 * erfinv_5;
    const f32v erfinv_12 = erfinv_10 + 4.6826696e-07f;
    const f32v erfinv_13 = erfinv_12 * erfinv_5;
    const f32v erfinv_15 = erfinv_13 + -3.463093e-06f;
    const f32v erfinv_16 = erfinv_15 * erfinv_5;
    const f32v erfinv_18 = erfinv_16 + -4.9730697e-06f;
    const f32v erfinv_19 = erfinv_18 * erfinv_5;
    const f32v erfinv_21 = erfinv_19 + 0.00021834589f;
    const f32v erfinv_22 = erfinv_21 * erfinv_5;
    const f32v erfinv_24 = erfinv_22 + -0.0012527253f;
    const f32v erfinv_25 = erfinv_24 * erfinv_5;
    const f32v erfinv_27 = erfinv_25 + -0.0041773883f;
    const f32v erfinv_28 = erfinv_27 * erfinv_5;
    const f32v erfinv_30 = erfinv_28 + 0.24664028f;
    const f32v erfinv_31 = erfinv_30 * erfinv_5;
    const f32v erfinv_33 = erfinv_31 + 1.5014094f;
    const f32v erfinv_34 = sqrtv(erfinv_4);
    const f32v erfinv_35 = erfinv_34 - 3.0f;
    const f32v erfinv_37 = erfinv_35 * -3.178717e-05f;
    const f32v erfinv_39 = erfinv_37 + 0.00016354563f;
    const f32v erfinv_40 = erfinv_39 * erfinv_35;
    const f32v erfinv_42 = erfinv_40 + -0.00027432895f;
    const f32v erfinv_43 = erfinv_42 * erfinv_35;
    const f32v erfinv_45 = erfinv_43 + -0.000124404f;
    const f32v erfinv_46 = erfinv_45 * erfinv_35;
    const f32v erfinv_48 = erfinv_46 + 0.0014735356f;
    const f32v erfinv_49 = erfinv_48 * erfinv_35;
    const f32v erfinv_51 = erfinv_49 + -0.0035649503f;
    const f32v erfinv_52 = erfinv_51 * erfinv_35;
    const f32v erfinv_54 = erfinv_52 + 0.00568808f;
    const f32v erfinv_55 = erfinv_54 * erfinv_35;
    const f32v erfinv_57 = erfinv_55 + -0.007643155f;
    const f32v erfinv_58 = erfinv_57 * erfinv_35;
    const f32v erfinv_60 = erfinv_58 + 0.009445262f;
    const f32v erfinv_61 = erfinv_60 * erfinv_35;
    const f32v erfinv_63 = erfinv_61 + 1.0016752f;
    const f32v erfinv_64 = erfinv_63 * erfinv_35;
    const f32v erfinv_66 = erfinv_64 + 2.8329768f;
    const auto erfinv_67 = erfinv_4 < 5.0f;
    const f32v erfinv_68 = erfinv_67 ? erfinv_33 : erfinv_66;
    const f32v erfinv_69 = y_ * erfinv_68;
    const f32v erfinv_70 = y_ * __builtin_inff();
    const auto erfinv_71 = digamma_36 == 1.0f;
    const f32v erfinv_72 = erfinv_71 ? erfinv_70 : erfinv_69;
    const f32v add = lgamma_124 + digamma_79;
    const f32v add_1 = add + erfinv_72;
    put(out_to + i, add_1, w);
  });
}
