// ---- barriers and warps
KERF_DEVICE unsigned kerf_lane() { return kerf_block()->linear % 32; }
KERF_DEVICE void __syncthreads(KERF_LINE) { kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_none, 0); }
KERF_DEVICE int __syncthreads_count(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_count, x); }
KERF_DEVICE int __syncthreads_and(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_and, x); }
KERF_DEVICE int __syncthreads_or(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_or, x); }
KERF_DEVICE unsigned long kerf_warp(int line, KerfWarpOperation operation, unsigned mask, unsigned long value, unsigned argument = 0) {
  KerfBlock* b = kerf_block();
  return b->warp(b, line, operation, mask, value, argument);
}
KERF_DEVICE void __syncwarp(unsigned mask = ~0u, KERF_LINE) { kerf_warp(kerf_line, kerf_warp_sync, mask, 0); }
KERF_DEVICE unsigned __activemask() { return kerf_block()->lanes_alive; }
KERF_DEVICE unsigned __ballot_sync(unsigned mask, int x, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_ballot, mask, x != 0); }
KERF_DEVICE int __any_sync(unsigned mask, int x, KERF_LINE) { return kerf_warp(kerf_line, kerf_warp_ballot, mask, x != 0) != 0; }
KERF_DEVICE int __all_sync(unsigned mask, int x, KERF_LINE) { return kerf_warp(kerf_line, kerf_warp_ballot, mask, x == 0) == 0; }
template <class kf_T> KERF_DEVICE unsigned long kerf_bits(kf_T value) {
  static_assert(sizeof(kf_T) <= 8, "a lane gives at most 8 bytes");
  unsigned long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class kf_T> KERF_DEVICE kf_T kerf_shuffle(unsigned mask, kf_T value, unsigned lane, int line) {
  const unsigned long bits = kerf_warp(line, kerf_warp_shuffle, mask, kerf_bits(value), lane);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
template <class kf_T> KERF_DEVICE kf_T __shfl_sync(unsigned mask, kf_T v, int source, int width = 32, KERF_LINE) {
  return kerf_shuffle(mask, v, (kerf_lane() & ~(width - 1)) | (source & (width - 1)), kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_up_sync(unsigned mask, kf_T v, unsigned d, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane();
  return kerf_shuffle(mask, v, (lane & (width - 1)) < d ? lane : lane - d, kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_down_sync(unsigned mask, kf_T v, unsigned d, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane();
  return kerf_shuffle(mask, v, (lane & (width - 1)) + d >= (unsigned)width ? lane : lane + d, kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_xor_sync(unsigned mask, kf_T v, int m, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane(), other = lane ^ (unsigned)m;
  return kerf_shuffle(mask, v, other > (lane | (width - 1)) ? lane : other, kerf_line);
}
template <class kf_T> KERF_DEVICE unsigned __match_any_sync(unsigned mask, kf_T v, KERF_LINE) {
  return (unsigned)kerf_warp(kerf_line, kerf_warp_match, mask, kerf_bits(v));
}
template <class kf_T> KERF_DEVICE unsigned __match_all_sync(unsigned mask, kf_T v, int* all, KERF_LINE) {
  const unsigned same = (unsigned)kerf_warp(kerf_line, kerf_warp_match, mask, kerf_bits(v));
  *all = same == (mask & kerf_block()->lanes_alive);
  return *all ? same : 0;
}
KERF_DEVICE unsigned __reduce_add_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_add, mask, v); }
KERF_DEVICE int __reduce_add_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_add, mask, (unsigned)v); }
KERF_DEVICE unsigned __reduce_and_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_and, mask, v); }
KERF_DEVICE unsigned __reduce_or_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_or, mask, v); }
KERF_DEVICE unsigned __reduce_xor_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_xor, mask, v); }
KERF_DEVICE unsigned __reduce_min_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_min, mask, v); }
KERF_DEVICE unsigned __reduce_max_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_max, mask, v); }
KERF_DEVICE int __reduce_min_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_signed_min, mask, (unsigned)v); }
KERF_DEVICE int __reduce_max_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_signed_max, mask, (unsigned)v); }

// ---- atomics: blocks run side by side on several threads. One that changes nothing may wait for another's
template <class kf_T, class kf_F> KERF_DEVICE kf_T kerf_update(kf_T* p, kf_F f, int line) {
  kf_T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  for (;;) {
    kf_T now = f(old);
    if (!__atomic_compare_exchange(p, &old, &now, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) continue;
    if (__builtin_memcmp(&old, &now, sizeof now) == 0) kerf_waits(line);
    return old;
  }
}
KERF_DEVICE int atomicAdd(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x + v; }, kerf_line); }
KERF_DEVICE unsigned atomicAdd(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x + v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicAdd(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x + v; }, kerf_line); }
KERF_DEVICE float atomicAdd(float* p, float v, KERF_LINE) { return kerf_update(p, [v](float x) { return x + v; }, kerf_line); }
KERF_DEVICE double atomicAdd(double* p, double v, KERF_LINE) { return kerf_update(p, [v](double x) { return x + v; }, kerf_line); }
KERF_DEVICE int atomicSub(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x - v; }, kerf_line); }
KERF_DEVICE unsigned atomicSub(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x - v; }, kerf_line); }
KERF_DEVICE int atomicExch(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int) { return v; }, kerf_line); }
KERF_DEVICE unsigned atomicExch(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned) { return v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicExch(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long) { return v; }, kerf_line); }
KERF_DEVICE float atomicExch(float* p, float v, KERF_LINE) { return kerf_update(p, [v](float) { return v; }, kerf_line); }
KERF_DEVICE int atomicMin(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE int atomicMax(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicMin(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicMax(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicMin(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicMax(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE long long atomicMin(long long* p, long long v, KERF_LINE) { return kerf_update(p, [v](long long x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE long long atomicMax(long long* p, long long v, KERF_LINE) { return kerf_update(p, [v](long long x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE int atomicAnd(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x & v; }, kerf_line); }
KERF_DEVICE int atomicOr(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x | v; }, kerf_line); }
KERF_DEVICE int atomicXor(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x ^ v; }, kerf_line); }
KERF_DEVICE unsigned atomicAnd(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x & v; }, kerf_line); }
KERF_DEVICE unsigned atomicOr(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x | v; }, kerf_line); }
KERF_DEVICE unsigned atomicXor(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x ^ v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicAnd(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x & v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicOr(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x | v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicXor(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x ^ v; }, kerf_line); }
KERF_DEVICE int atomicCAS(int* p, int expected, int v, KERF_LINE) { return kerf_update(p, [=](int x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicCAS(unsigned* p, unsigned expected, unsigned v, KERF_LINE) { return kerf_update(p, [=](unsigned x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicCAS(unsigned long long* p, unsigned long long expected, unsigned long long v, KERF_LINE) { return kerf_update(p, [=](unsigned long long x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned short atomicCAS(unsigned short* p, unsigned short expected, unsigned short v, KERF_LINE) { return kerf_update(p, [=](unsigned short x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicInc(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x >= v ? 0 : x + 1; }, kerf_line); }
KERF_DEVICE unsigned atomicDec(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x == 0 || x > v ? v : x - 1; }, kerf_line); }
