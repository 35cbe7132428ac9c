// What an emulated CUDA kernel and the runner share. The text of this file also stands before every emulated candidate:
// it includes nothing.
#pragma once

struct KerfExtent {
  unsigned x, y, z;
};

enum KerfWarpOperation {
  kerf_warp_sync,
  kerf_warp_shuffle,  // the value of lane `argument`
  kerf_warp_ballot,   // a bit a lane whose value is not 0
  kerf_warp_match,    // a bit a lane with the same value
  kerf_warp_add,      // of 32 bits, as the five below
  kerf_warp_and,
  kerf_warp_or,
  kerf_warp_xor,
  kerf_warp_min,
  kerf_warp_max,
  kerf_warp_signed_min,
  kerf_warp_signed_max,
};

enum KerfVote { kerf_vote_none, kerf_vote_count, kerf_vote_and, kerf_vote_or };

// What the bytes of a tensor map are here: a tensor in memory, innermost dimension first.
struct KerfTensorMap {
  static constexpr unsigned long right_magic = 0x70616d2d6672656bul;
  unsigned long magic;
  unsigned char* data;
  unsigned long extent[5];  // elements
  unsigned long stride[5];  // bytes
  unsigned box[5];          // elements
  unsigned rank, element_bytes, swizzle;
};
// Where in the tensor a box begins, innermost dimension first.
struct KerfTensorPlace {
  int at[5];
  unsigned rank;
};

// One emulated block, at the start of the aligned region in which the stacks of its threads lie: whatever runs on one
// of them finds it from its stack pointer.
struct KerfBlock {
  static constexpr unsigned long region_bytes = 1ul << 27;

  KerfExtent thread, block, block_extent, grid_extent;  // of the thread that runs
  unsigned linear;                                      // its index in the block
  unsigned lanes_alive;                                 // of its warp: those that have not returned
  unsigned char* shared;                                // dynamic shared memory
  unsigned long shared_bytes;
  unsigned char* statics;  // the image's __shared__ variables
  unsigned long static_bytes;

  // `line` is the candidate's line that asks. They return when the others have come, too; what they give is
  // CUDA's of the same name.
  int (*barrier)(KerfBlock*, int line, KerfVote vote, int value);
  unsigned long (*warp)(KerfBlock*, int line, KerfWarpOperation operation, unsigned mask, unsigned long value,
                        unsigned argument);
  // Copies that take place when they are waited for: `filled` of `bytes` are read, the rest is zeros.
  void (*copy)(KerfBlock*, int line, void* to, const void* from, unsigned bytes, unsigned filled);
  void (*commit)(KerfBlock*);
  void (*wait)(KerfBlock*, unsigned pending_groups);
  void (*trap)(KerfBlock*, int line);
  // Bulk copies that a barrier in shared memory counts: they take place when somebody looks at the barrier, which gets
  // to know how many bytes have come.
  void (*bulk_copy)(KerfBlock*, int line, void* to, const void* from, unsigned bytes, const void* barrier);
  unsigned (*bulk_bytes)(KerfBlock*, const void* barrier);
  // The same of a box of a tensor; what lies outside of the tensor is zeros.
  void (*tensor_load)(KerfBlock*, int line, void* to, const void* map, KerfTensorPlace place, const void* barrier);
  // Back: takes place when the thread waits for the group in which it is.
  void (*tensor_store)(KerfBlock*, int line, const void* map, KerfTensorPlace place, const void* from);
  void (*bulk_commit)(KerfBlock*);
  void (*bulk_wait)(KerfBlock*, unsigned pending_groups);
  // A thread that waits for others to write to memory lets them run.
  void (*yield)(KerfBlock*, int line);
};
