// How the executor finds kernels of its image and launches them.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/paths.h"
#include "runner/blame.h"
#include "runner/cuda/cuda_executor.h"

namespace kerf {
namespace {

// Numbers of CUfunction_attribute.
constexpr int max_dynamic_shared = 8, non_portable_cluster = 14;

}  // namespace

Result<> CudaExecutor::load_image() {
  if (load_.load.candidate.language == Language::cuda) {
    for (const auto& [name, symbol] : load_.symbols) TRY(kernel(load_.image, symbol));
    return {};
  }
  const std::string text = TRY(read_file(load_.image));
  manifest_ = TRY(read_triton_manifest(text));
  return {};
}

Result<LoadedKernel*> CudaExecutor::kernel(const std::string& cubin, const std::string& symbol) {
  const std::pair key(cubin, symbol);
  if (const auto found = kernels_.find(key); found != kernels_.end()) return &found->second;
  auto module = modules_.find(cubin);
  if (module == modules_.end()) {
    const std::string bytes = TRY(read_file(cubin));
    CuModule loaded = nullptr;
    if (const CuResult code = driver_.module_load(&loaded, bytes.data()); code != 0)
      return fail(ErrorKind::system, fmt::format("the driver does not load the cubin: {}", driver_.name(code)));
    module = modules_.emplace(cubin, CudaModule(driver_, loaded)).first;
  }
  LoadedKernel made;
  if (const CuResult code = driver_.module_function(&made.function, module->second.get(), symbol.c_str()); code != 0)
    return fail(ErrorKind::system, fmt::format("the cubin has no {}: {}", symbol, driver_.name(code)));
  return &kernels_.emplace(key, made).first->second;
}

Result<> CudaExecutor::allow_shared(LoadedKernel& kernel, std::int64_t bytes, const std::string& name, Location at) {
  if (bytes <= kernel.shared_allowed) return {};
  if (const CuResult code = driver_.function_set(kernel.function, max_dynamic_shared, static_cast<int>(bytes));
      code != 0)
    return blame("rejected", "shared_memory",
                 fmt::format("{} cannot have {} bytes of dynamic shared memory: {}", name, bytes, driver_.name(code)),
                 at);
  kernel.shared_allowed = static_cast<int>(bytes);
  return {};
}

Result<CuFunction> CudaExecutor::function(const std::string& cubin, const std::string& symbol,
                                          std::int64_t shared_bytes) {
  LoadedKernel& found = *TRY(kernel(cubin, symbol));
  TRY(allow_shared(found, shared_bytes, symbol, {}));
  return found.function;
}

// The cubin holds the sizes of parameters, which were compared with the plan before it came here, not their types.
Result<std::optional<std::vector<std::string>>> CudaExecutor::prototype(std::string_view) { return std::nullopt; }

Result<CudaLaunch> CudaExecutor::ready(const BoundStep& step, const BoundLaunch& launch) {
  return launch.programs ? ready_programs(step, launch) : ready_blocks(step, launch);
}

Result<CudaLaunch> CudaExecutor::ready_blocks(const BoundStep& step, const BoundLaunch& launch) {
  const auto symbol = std::ranges::find(load_.symbols, launch.kernel, &std::pair<std::string, std::string>::first);
  if (symbol == load_.symbols.end() || !launch.block)
    return fail(ErrorKind::internal, fmt::format("the image has no {}", launch.kernel), step.at);
  LoadedKernel& found = *TRY(kernel(load_.image, symbol->second));
  const BoundBlock& block = *launch.block;
  TRY(allow_shared(found, block.shared_bytes, launch.kernel, block.shared_at));
  constexpr std::int64_t portable = 8;
  if (block.cluster[0] * block.cluster[1] * block.cluster[2] > portable)
    driver_.function_set(found.function, non_portable_cluster, 1);
  auto out = lay_out_blocks(launch, [this](TensorId id) { return slots_[static_cast<std::size_t>(id)].spec; });
  if (!out && out.error().kind == ErrorKind::candidate)
    return blame("rejected", "tensor_map", fmt::format("{}: {}", launch.kernel, out.error().message), step.at);
  if (out) {
    out->cubin = load_.image;
    out->function = found.function;
  }
  return out;
}

Result<CudaLaunch> CudaExecutor::ready_programs(const BoundStep& step, const BoundLaunch& launch) {
  const std::vector<TritonArgument> arguments = TRY(triton_arguments(launch, bound_));
  const std::string key = triton_key(launch, arguments);
  const TritonEntry* entry = manifest_ ? manifest_->find(key) : nullptr;
  if (entry == nullptr)
    return fail(ErrorKind::internal, fmt::format("the image has no kernel compiled for {}", key), step.at);
  CudaLaunch out = TRY(lay_out_programs(launch, *entry));
  const std::string folder = load_.image.substr(0, load_.image.rfind('/') + 1);
  out.cubin = folder + entry->cubin;
  LoadedKernel& found = *TRY(kernel(out.cubin, entry->symbol));
  TRY(allow_shared(found, entry->shared_bytes, launch.kernel, step.at));
  out.function = found.function;
  for (const TritonScratch& scratch : entry->scratch) {
    CuPointer at = 0;
    if (scratch.bytes > 0) {
      out.scratch.push_back(
          TRY(DeviceBuffer::allocate(driver_, static_cast<std::size_t>(scratch.bytes * programs_of(launch)))));
      at = out.scratch.back().data();
    }
    out.values.push_back(ParameterBytes::of(at));
  }
  return out;
}

Result<> CudaExecutor::encode_maps(CudaLaunch& launch, Location at) {
  // CU_TENSOR_MAP_INTERLEAVE_NONE, …_L2_PROMOTION_L2_128B, …_FLOAT_OOB_FILL_NONE: zeros.
  constexpr int no_interleaving = 0, promotion_128 = 2, zeros_outside = 0;
  constexpr std::array<std::uint32_t, max_tensor_map_rank> steps = {1, 1, 1, 1, 1};
  for (const CudaLaunch::Map& map : launch.maps) {
    const MapEncoding& encoding = map.encoding;
    const CuResult code =
        driver_.tensor_map_encode(launch.values[map.argument].words.data(), encoding.type, encoding.rank,
                                  reinterpret_cast<void*>(slots_[static_cast<std::size_t>(map.tensor)].data),
                                  encoding.extents.data(), encoding.strides.data(), encoding.box.data(), steps.data(),
                                  no_interleaving, encoding.swizzle, promotion_128, zeros_outside);
    if (code != 0)
      return blame("rejected", "tensor_map",
                   fmt::format("{}: the driver makes no tensor map of {}: {}", launch.kernel,
                               slots_[static_cast<std::size_t>(map.tensor)].name, driver_.name(code)),
                   at);
  }
  return {};
}

Result<> CudaExecutor::run(CudaLaunch& launch, Location at) {
  for (const auto& [argument, id] : launch.tensors)
    launch.values[argument] = ParameterBytes::of(slots_[static_cast<std::size_t>(id)].data);
  TRY(encode_maps(launch, at));
  launch.pointers = pointers_to(launch.values);
  launch.config.stream = stream_;
  launch.config.attributes = launch.attributes.data();
  launch.config.attribute_count = static_cast<unsigned>(launch.attributes.size());
  page_.phase.store(StatusPage::Phase::launch, std::memory_order_relaxed);
  const CuResult code = observer_ != nullptr
                            ? observer_->launch(page_.step.load(std::memory_order_relaxed), launch)
                            : driver_.launch(&launch.config, launch.function, launch.pointers.data(), nullptr);
  page_.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  if (code == 0) return {};
  if (is_sticky(code)) return device_failed(code, launch.kernel, at);
  if (capturing_) return fail(ErrorKind::unavailable, fmt::format("{}: {}", launch.kernel, driver_.name(code)), at);
  return blame("rejected", "launch", fmt::format("{} cannot be launched so: {}", launch.kernel, driver_.name(code)),
               at);
}

Result<> CudaExecutor::launch(const BoundStep& step, const BoundLaunch& launch) {
  page_.step = step.step;
  CudaLaunch launching = TRY(ready(step, launch));
  TRY(run(launching, step.at));
  return settle(launch.kernel, step.at);
}
}  // namespace kerf
