// Compiled by kerf against the installed PyTorch; see bridge.h. Not part of any room's library.
#include "bridge.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <omp.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

thread_local std::string last_error;
c10::Device place(c10::DeviceType::CPU);

constexpr std::array<c10::ScalarType, 10> dtypes = {
    c10::ScalarType::Double, c10::ScalarType::Float, c10::ScalarType::BFloat16, c10::ScalarType::Half,
    c10::ScalarType::Long,   c10::ScalarType::Int,   c10::ScalarType::Short,    c10::ScalarType::Char,
    c10::ScalarType::Byte,   c10::ScalarType::Bool};

// Errors span lines (traces, hints); the first one says it.
void keep_error(const std::exception& e) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&e);
  last_error = torch_error != nullptr ? torch_error->what_without_backtrace() : e.what();
  if (const auto end = last_error.find('\n'); end != std::string::npos) last_error.resize(end);
}

// Runs `f`; on an exception keeps its text and returns `failed`.
template <class F, class R>
R guarded(R failed, F&& f) noexcept {
  try {
    return std::forward<F>(f)();
  } catch (const std::exception& e) {
    keep_error(e);
  } catch (...) {
    last_error = "an exception of unknown type";
  }
  return failed;
}

c10::MemoryFormat memory_format(const std::string& name) {
  if (name == "contiguous_format") return c10::MemoryFormat::Contiguous;
  if (name == "channels_last") return c10::MemoryFormat::ChannelsLast;
  if (name == "channels_last_3d") return c10::MemoryFormat::ChannelsLast3d;
  TORCH_CHECK(name == "preserve_format", "there is no memory format ", name);
  return c10::MemoryFormat::Preserve;
}

c10::TypePtr without_optional(c10::TypePtr type) {
  while (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  return type;
}

// A value that holds no tensor, as the schema's type wants it.
c10::IValue plain(const KerfValue& value, const c10::TypePtr& declared) {
  const c10::TypePtr type = without_optional(declared);
  const bool wants_float = type->kind() == c10::TypeKind::FloatType;
  c10::TypePtr element;
  if (const auto list = type->cast<c10::ListType>()) element = list->getElementType();
  const bool wants_floats = element && element->kind() == c10::TypeKind::FloatType;
  // A number where a tensor is expected takes part in type promotion as a number does in Python.
  if (type->kind() == c10::TypeKind::TensorType) {
    if (value.kind == kerf_integer) return at::native::wrapped_scalar_tensor(c10::Scalar(value.integers[0]));
    if (value.kind == kerf_number) return at::native::wrapped_scalar_tensor(c10::Scalar(value.numbers[0]));
    if (value.kind == kerf_boolean) return at::native::wrapped_scalar_tensor(c10::Scalar(value.integers[0] != 0));
  }
  switch (value.kind) {
    case kerf_none:
      // Plans do not say where a tensor is made: where all others are.
      if (type->kind() == c10::TypeKind::DeviceObjType && !place.is_cpu()) return place;
      return {};
    case kerf_integer:
      return wants_float ? c10::IValue(static_cast<double>(value.integers[0])) : c10::IValue(value.integers[0]);
    case kerf_number:
      return value.numbers[0];
    case kerf_boolean:
      return value.integers[0] != 0;
    case kerf_text:
      return std::string(value.text);
    case kerf_memory_format:
      return static_cast<int64_t>(memory_format(value.text));
    case kerf_dtype:
      return static_cast<int64_t>(dtypes.at(static_cast<size_t>(value.dtypes[0])));
    case kerf_integers: {
      if (wants_floats) return c10::List<double>(std::vector<double>(value.integers, value.integers + value.count));
      return c10::List<int64_t>(std::vector<int64_t>(value.integers, value.integers + value.count));
    }
    case kerf_numbers:
      return c10::List<double>(std::vector<double>(value.numbers, value.numbers + value.count));
    case kerf_booleans: {
      c10::List<bool> list;
      for (int64_t i = 0; i < value.count; ++i) list.push_back(value.integers[i] != 0);
      return list;
    }
    case kerf_dtypes: {
      c10::List<int64_t> list;
      for (int64_t i = 0; i < value.count; ++i)
        list.push_back(static_cast<int64_t>(dtypes.at(static_cast<size_t>(value.dtypes[i]))));
      return list;
    }
    default:
      TORCH_CHECK(false, "an argument of unknown kind ", value.kind);
  }
}

// Where a tensor or a list of tensors goes in the stack.
struct Slot {
  size_t argument = 0;
  bool list = false;
  bool optional_elements = false;
  std::vector<int32_t> ids;
};

}  // namespace

struct KerfTensor {
  at::Tensor tensor;
};

struct KerfCall {
  c10::OperatorHandle op;
  std::vector<c10::IValue> constants;  // empty where a slot goes
  std::vector<Slot> slots;
};

namespace {

const char* torch_version() { return TORCH_VERSION; }
const char* error() { return last_error.c_str(); }

bool start(int threads, void (*each)(void*, int), void* context) {
  return guarded(false, [&] {
    at::init_num_threads();
    at::set_num_threads(threads);
#pragma omp parallel num_threads(threads)
    each(context, omp_get_thread_num());
    return true;
  });
}

void parallel(int threads, int64_t tasks, int64_t chunk, void (*body)(void*, int64_t, int64_t, int), void* context) {
  std::atomic<int64_t> next{0};
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    for (;;) {
      const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= tasks) break;
      body(context, begin, std::min(tasks, begin + chunk), thread);
    }
  }
}

bool schemas(const char* op, void (*each)(void*, const char*), void* context) {
  return guarded(false, [&] {
    c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
    // Asked for the whole list once: it has some 3,000 names.
    static const std::vector<c10::OperatorName> all = dispatcher.getAllOpNames();
    for (const c10::OperatorName& name : all) {
      if (name.name != op) continue;
      if (const auto handle = dispatcher.findSchema(name)) each(context, c10::toString(handle->schema()).c_str());
    }
    return true;
  });
}

bool use_gpu(int index) {
  return guarded(false, [&] {
    place = c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
    const c10::InferenceMode guard;
    at::empty({1}, at::TensorOptions(place));  // starts PyTorch's side of the context
    return true;
  });
}

bool use_stream(void* stream) {
  return guarded(false, [&] {
    const c10::impl::VirtualGuardImpl guard(place.type());
    // The number of a stream that PyTorch did not make is its address (c10/cuda/CUDAStream.h, getStreamFromExternal).
    guard.exchangeStream(stream == nullptr
                             ? guard.getDefaultStream(place)
                             : c10::Stream(c10::Stream::UNSAFE, place, reinterpret_cast<c10::StreamId>(stream)));
    return true;
  });
}

void round_convolutions(bool may) {
  guarded(false, [&] {
    at::globalContext().setAllowTF32CuDNN(may);
    return true;
  });
}

void trim() {
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9  // before, allocators of devices had nothing in common
  if (!place.is_cuda()) return;
  guarded(false, [&] {
    c10::getDeviceAllocator(c10::DeviceType::CUDA)->emptyCache();
    return true;
  });
#endif
}

KerfTensor* wrap(void* data, const KerfSpec* spec) {
  return guarded(static_cast<KerfTensor*>(nullptr), [&] {
    const c10::InferenceMode guard;
    const auto dims = static_cast<size_t>(spec->dims);
    return new KerfTensor{at::for_blob(data, c10::IntArrayRef(spec->shape, dims))
                              .strides(c10::IntArrayRef(spec->stride, dims))
                              .options(at::TensorOptions(dtypes.at(static_cast<size_t>(spec->dtype))).device(place))
                              .target_device(place)
                              .make_tensor()};
  });
}

void release(KerfTensor* tensor) { delete tensor; }

bool view(const KerfTensor* tensor, KerfView* out) {
  return guarded(false, [&] {
    const at::Tensor& t = tensor->tensor;
    TORCH_CHECK(t.defined() && t.layout() == c10::kStrided && t.device() == place, "the result is no plain tensor ",
                place.is_cpu() ? "in main memory" : "on the GPU");
    TORCH_CHECK(t.dim() <= kerf_bridge_max_dims, "the result has ", t.dim(), " dimensions");
    TORCH_CHECK(!t.is_conj() && !t.is_neg() && !t.is_quantized(),
                "the result is a lazy conjugate, lazy negative or quantized tensor");
    const auto found = std::find(dtypes.begin(), dtypes.end(), t.scalar_type());
    out->spec.dtype =
        found == dtypes.end() ? static_cast<int32_t>(kerf_other) : static_cast<int32_t>(found - dtypes.begin());
    TORCH_CHECK(out->spec.dtype != kerf_other, "the result has dtype ", t.scalar_type(), ", which plans do not know");
    out->spec.dims = static_cast<int32_t>(t.dim());
    std::copy(t.sizes().begin(), t.sizes().end(), out->spec.shape);
    std::copy(t.strides().begin(), t.strides().end(), out->spec.stride);
    out->data = const_cast<void*>(t.const_data_ptr());
    out->storage = t.storage().unsafeGetStorageImpl();
    return true;
  });
}

bool copy(const KerfTensor* to, const KerfTensor* from) {
  return guarded(false, [&] {
    const c10::InferenceMode guard;
    to->tensor.copy_(from->tensor);
    return true;
  });
}

KerfCall* prepare(const char* op, const char* overload, const KerfValue* args, int64_t count) {
  return guarded(static_cast<KerfCall*>(nullptr), [&] {
    KerfCall call{c10::Dispatcher::singleton().findSchemaOrThrow(op, overload), {}, {}};
    const auto& wanted = call.op.schema().arguments();
    TORCH_CHECK(wanted.size() == static_cast<size_t>(count), op, " takes ", wanted.size(), " arguments, not ", count);
    for (size_t i = 0; i < wanted.size(); ++i) {
      const KerfValue& value = args[i];
      if (value.kind != kerf_tensor && value.kind != kerf_tensors) {
        call.constants.push_back(plain(value, wanted[i].type()));
        continue;
      }
      Slot slot{i, value.kind == kerf_tensors, false, {value.tensors, value.tensors + value.count}};
      if (slot.list) {
        const auto list = without_optional(wanted[i].type())->cast<c10::ListType>();
        TORCH_CHECK(list, "argument ", i, " of ", op, " takes no list of tensors");
        slot.optional_elements = list->getElementType()->kind() == c10::TypeKind::OptionalType;
      }
      call.slots.push_back(std::move(slot));
      call.constants.emplace_back();
    }
    return new KerfCall(std::move(call));
  });
}

at::Tensor at_slot(KerfTensor* const* table, int32_t id) {
  if (id < 0) return {};
  TORCH_CHECK(table[id] != nullptr, "tensor ", id, " does not exist any more");
  return table[id]->tensor;
}

c10::IValue fill(const Slot& slot, KerfTensor* const* table) {
  if (!slot.list) {
    at::Tensor tensor = at_slot(table, slot.ids.empty() ? -1 : slot.ids[0]);
    return tensor.defined() ? c10::IValue(std::move(tensor)) : c10::IValue();
  }
  if (slot.optional_elements) {
    c10::List<std::optional<at::Tensor>> list;
    for (const int32_t id : slot.ids)
      list.push_back(id < 0 ? std::optional<at::Tensor>() : std::optional(at_slot(table, id)));
    return list;
  }
  c10::List<at::Tensor> list;
  for (const int32_t id : slot.ids) list.push_back(at_slot(table, id));
  return list;
}

int64_t call(KerfCall* prepared, KerfTensor* const* table, KerfTensor** results, int64_t room) {
  return guarded(int64_t{-1}, [&] {
    const c10::InferenceMode guard;
    std::vector<c10::IValue> stack = prepared->constants;
    for (const Slot& slot : prepared->slots) stack[slot.argument] = fill(slot, table);
    prepared->op.callBoxed(stack);
    int64_t count = 0;
    const auto give = [&](const at::Tensor& tensor) {
      if (count < room) results[count] = tensor.defined() ? new KerfTensor{tensor} : nullptr;
      ++count;
    };
    const auto give_none = [&] {
      if (count < room) results[count] = nullptr;
      ++count;
    };
    for (const c10::IValue& value : stack) {
      if (value.isTensor()) {
        give(value.toTensor());
      } else if (value.isTensorList()) {
        for (const at::Tensor& tensor : value.toTensorVector()) give(tensor);
      } else {
        give_none();
      }
    }
    return count;
  });
}

void drop(KerfCall* prepared) { delete prepared; }

constexpr KerfBridge bridge = {
    torch_version, error, start,   parallel, schemas, use_gpu, use_stream, round_convolutions,
    trim,          wrap,  release, view,     copy,    prepare, call,       drop};

}  // namespace

extern "C" bool cpuinfo_initialize(void);  // of libc10; reads files, which later nobody may

extern "C" const KerfBridge* kerf_bridge() {
  cpuinfo_initialize();
  return &bridge;
}
