// What lies between kerf-runner and PyTorch: a table of plain C functions. kerf-runner includes this header and links
// no PyTorch; bridge.cc is compiled against the installed PyTorch at first use and loaded at run time. Whatever changes
// here changes the digest of the sources, hence the file that is loaded.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

enum { kerf_bridge_max_dims = 64 };

struct KerfTensor;  // an owned reference to a tensor
struct KerfCall;    // an operator with its arguments, ready to be called any number of times

// In the order of kerf's Dtype.
enum KerfDtype {
  kerf_f64,
  kerf_f32,
  kerf_bf16,
  kerf_f16,
  kerf_i64,
  kerf_i32,
  kerf_i16,
  kerf_i8,
  kerf_u8,
  kerf_bool,
  kerf_other = -1
};

struct KerfSpec {
  int32_t dtype;
  int32_t dims;
  int64_t shape[kerf_bridge_max_dims];
  int64_t stride[kerf_bridge_max_dims];  // elements
};

struct KerfView {
  KerfSpec spec;
  void* data;           // first element
  const void* storage;  // equal for tensors that share memory
};

// In the order of kerf's CallValue::Kind.
enum KerfValueKind {
  kerf_none,
  kerf_tensor,
  kerf_tensors,
  kerf_integer,
  kerf_number,
  kerf_boolean,
  kerf_text,
  kerf_dtype,
  kerf_integers,
  kerf_numbers,
  kerf_booleans,
  kerf_dtypes,
  kerf_memory_format
};

struct KerfValue {
  int32_t kind;
  int64_t count;            // of the list that the kind uses
  const int64_t* integers;  // also booleans (0, 1)
  const double* numbers;
  const int32_t* tensors;  // indexes into the table given to call(); -1 for None
  const int32_t* dtypes;   // KerfDtype
  const char* text;
};

// Functions that can fail return false and leave one line of text in error(), valid until the calling thread's next
// call.
struct KerfBridge {
  const char* (*torch_version)(void);
  const char* (*error)(void);

  // Starts the pool of OpenMP threads that launches and operators share (libgomp's, PyTorch's own copy), and calls
  // `each(context, thread)` once on every one of its threads, thread 0 being the caller. Threads do not survive fork:
  // call it in the process that runs.
  bool (*start)(int threads, void (*each)(void* context, int thread), void* context);
  // Splits [0, tasks) over `threads` threads, which take chunks as they get free, in ascending order. Returns when all
  // are done.
  void (*parallel)(int threads, int64_t tasks, int64_t chunk,
                   void (*body)(void* context, int64_t begin, int64_t end, int thread), void* context);

  // Calls `each` with the schema of every overload of "aten::sum".
  bool (*schemas)(const char* op, void (*each)(void* context, const char* schema), void* context);

  // From now on tensors lie on this GPU: operators run on its default stream, in its primary context. libtorch_cuda
  // must have been loaded.
  bool (*use_gpu)(int index);
  // From now on this thread's operators run on this stream of that GPU (a CUstream of its primary context; null: the
  // default one).
  bool (*use_stream)(void* stream);
  // From now on convolutions on a GPU may round their factors to TF32, as they may to begin with, or may not.
  void (*round_convolutions)(bool may);
  // Gives back what PyTorch keeps of the GPU's memory for later: others need it.
  void (*trim)(void);

  // A tensor over memory that stays the caller's and must outlive it.
  KerfTensor* (*wrap)(void* data, const KerfSpec* spec);
  void (*release)(KerfTensor* tensor);
  // False for an undefined tensor and for one that is not plain: strided, in main memory (on the GPU
  // after use_gpu).
  bool (*view)(const KerfTensor* tensor, KerfView* view);
  bool (*copy)(const KerfTensor* to, const KerfTensor* from);

  // `args` are all arguments in the schema's order.
  KerfCall* (*prepare)(const char* op, const char* overload, const KerfValue* args, int64_t count);
  // Calls with the tensors that `table` holds now. Up to `room` results become owned tensors in `results`, null where a
  // result is no tensor or undefined; a list of tensors counts as its elements. Returns how many there are, -1 if it
  // failed.
  int64_t (*call)(KerfCall* call, KerfTensor* const* table, KerfTensor** results, int64_t room);
  void (*drop)(KerfCall* call);
};

const KerfBridge* kerf_bridge(void);

}  // extern "C"
