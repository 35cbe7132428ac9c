// ---- memory: loads and stores, copies into shared memory, the barriers that count them
template <class kf_T> KERF_DEVICE kf_T __ldg(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldca(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcg(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcs(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldlu(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcv(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE void __stwb(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stcg(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stcs(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stwt(kf_T* p, kf_T v) { *p = v; }
KERF_DEVICE void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
KERF_DEVICE void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
KERF_DEVICE void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
// Where a thread looks at memory that another one is to write, the others get their turn.
KERF_DEVICE bool kerf_waits(KERF_LINE) { return kerf_block()->yield(kerf_block(), kerf_line), true; }
KERF_DEVICE void __nanosleep(unsigned, KERF_LINE) { kerf_waits(kerf_line); }
template <class kf_T> KERF_DEVICE void kerf_ld(kf_T& to, const void* from, KERF_LINE) {
  kerf_waits(kerf_line);
  __atomic_load((const kf_T*)from, &to, __ATOMIC_SEQ_CST);
}
template <class kf_T> KERF_DEVICE void kerf_st(void* to, kf_T v) { __atomic_store((kf_T*)to, &v, __ATOMIC_SEQ_CST); }
KERF_DEVICE void __trap(KERF_LINE) { kerf_block()->trap(kerf_block(), kerf_line); }
#define __builtin_assume(x) ((void)0)
#define __assume(x) ((void)0)

// Addresses in shared memory as 32 bits: from the start of the block's region, or of the image's variables.
KERF_DEVICE size_t __cvta_generic_to_shared(const void* p) {
  KerfBlock* b = kerf_block();
  const uintptr_t at = (uintptr_t)p;
  return at - (uintptr_t)b->statics < b->static_bytes ? (at - (uintptr_t)b->statics) | 1u << 31 : at - (uintptr_t)b;
}
KERF_DEVICE void* __cvta_shared_to_generic(size_t p) {
  KerfBlock* b = kerf_block();
  return p >> 31 & 1 ? (void*)(b->statics + (p & ~(1u << 31))) : (void*)((uintptr_t)b + (unsigned)p);
}
KERF_DEVICE unsigned __isShared(const void* p) {
  KerfBlock* b = kerf_block();
  return (uintptr_t)p - (uintptr_t)b->statics < b->static_bytes || (uintptr_t)p - (uintptr_t)b < KerfBlock::region_bytes;
}
// Inline PTX that the emulation knows is rewritten to these.
KERF_DEVICE void kerf_cp_async(unsigned to, const void* from, unsigned bytes, unsigned filled, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->copy(b, kerf_line, __cvta_shared_to_generic(to), from, bytes, filled);
}
KERF_DEVICE void kerf_cp_async_commit() { kerf_block()->commit(kerf_block()); }
KERF_DEVICE void kerf_cp_async_wait(unsigned pending) { kerf_block()->wait(kerf_block(), pending); }
// Barriers in shared memory (mbarrier). A phase ends when all have arrived and all bytes that were announced have come.
struct kerf_mbarrier { unsigned phase : 1, count : 15, pending : 16; int bytes; };
KERF_DEVICE kerf_mbarrier* kerf_mbarrier_at(unsigned at) { return (kerf_mbarrier*)__cvta_shared_to_generic(at); }
KERF_DEVICE void kerf_mbarrier_may_end(kerf_mbarrier* b) {
  if (b->pending == 0 && b->bytes == 0) b->phase ^= 1, b->pending = b->count;
}
KERF_DEVICE void kerf_mbarrier_init(unsigned at, unsigned count) {
  *kerf_mbarrier_at(at) = kerf_mbarrier{0, count & 0x7fff, count & 0x7fff, 0};
}
KERF_DEVICE void kerf_mbarrier_expect(unsigned at, unsigned bytes) { kerf_mbarrier_at(at)->bytes += (int)bytes; }
KERF_DEVICE void kerf_mbarrier_arrive(unsigned at) {
  kerf_mbarrier* b = kerf_mbarrier_at(at);
  --b->pending;
  kerf_mbarrier_may_end(b);
}
// Whether the phase with this parity has ended; others run where it has not.
KERF_DEVICE bool kerf_mbarrier_passed(unsigned at, unsigned parity, KERF_LINE) {
  kerf_mbarrier* b = kerf_mbarrier_at(at);
  if (const unsigned come = kerf_block()->bulk_bytes(kerf_block(), b)) {
    b->bytes -= (int)come;
    kerf_mbarrier_may_end(b);
  }
  if (b->phase != (parity & 1)) return true;
  kerf_waits(kerf_line);
  return false;
}
KERF_DEVICE void kerf_bulk_copy(unsigned to, const void* from, unsigned bytes, unsigned barrier, KERF_LINE) {
  kerf_block()->bulk_copy(kerf_block(), kerf_line, __cvta_shared_to_generic(to), from, bytes, kerf_mbarrier_at(barrier));
}
// ---- tensor maps: a KerfTensorMap
struct alignas(64) CUtensorMap { unsigned long opaque[16]; };
static_assert(sizeof(KerfTensorMap) <= sizeof(CUtensorMap));
KERF_DEVICE void kerf_tensor_load(unsigned to, const void* map, KerfTensorPlace place, unsigned barrier, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->tensor_load(b, kerf_line, __cvta_shared_to_generic(to), map, place, kerf_mbarrier_at(barrier));
}
KERF_DEVICE void kerf_tensor_store(const void* map, KerfTensorPlace place, unsigned from, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->tensor_store(b, kerf_line, map, place, __cvta_shared_to_generic(from));
}
KERF_DEVICE void kerf_bulk_commit() { kerf_block()->bulk_commit(kerf_block()); }
KERF_DEVICE void kerf_bulk_wait(unsigned pending) { kerf_block()->bulk_wait(kerf_block(), pending); }
