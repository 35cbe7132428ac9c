#include "runner/executor.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace kerf {

namespace {

std::int64_t nanoseconds() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

double microseconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-3; }

std::int64_t involuntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

std::unexpected<Error> blame(const char* verdict, const char* rule, std::string message, std::optional<Location> at) {
  return std::unexpected(Error{.kind = ErrorKind::candidate,
                               .message = std::move(message),
                               .at = at,
                               .facts = {{"verdict", verdict}, {"rule", rule}}});
}

struct Launching {
  const ReadyLaunch* launch;
  bool descending = false;
  std::mutex mutex = {};
  std::atomic<bool> ended = false;
  std::optional<Result<BlockTrouble>> trouble = std::nullopt;  // of the first block that has any
};

// One emulator a thread, made when it first meets a block.
void run_blocks(Launching& context, void* const* args, std::int64_t begin, std::int64_t end) {
  thread_local std::unique_ptr<BlockEmulator> emulator;
  const auto stop = [&context](Result<BlockTrouble> trouble) {
    const std::scoped_lock lock(context.mutex);
    if (!context.trouble) context.trouble = std::move(trouble);
    context.ended = true;
  };
  if (!emulator) {
    auto made = BlockEmulator::create();
    if (!made) return stop(std::unexpected(made.error()));
    emulator = *std::move(made);
  }
  const ReadyLaunch& launch = *context.launch;
  for (std::int64_t block = begin; block < end && !context.ended; ++block) {
    if (auto trouble = emulator->run(*launch.emulated, args, static_cast<std::int64_t>(launch.arguments), block,
                                     context.descending))
      return stop(*std::move(trouble));
  }
}

Result<> run_grid(Launching& context, const std::vector<void*>& args) {
  thread_local GridEmulator grid;
  auto trouble = TRY(grid.run(*context.launch->emulated, args.data(),
                              static_cast<std::int64_t>(context.launch->arguments), context.descending));
  if (trouble) context.trouble = *std::move(trouble);
  return {};
}

void run_tasks(void* raw_context, std::int64_t begin, std::int64_t end, int thread) {
  auto& context = *static_cast<Launching*>(raw_context);
  const ReadyLaunch& launch = *context.launch;
  if (launch.emulated)
    return run_blocks(context, launch.pointers.data() + static_cast<std::size_t>(thread) * launch.arguments, begin,
                      end);
  launch.kernel->run(launch.pointers.data() + static_cast<std::size_t>(thread) * launch.arguments,
                     static_cast<std::int64_t>(launch.arguments), launch.grid.data(), std::ssize(launch.grid), begin,
                     end);
}

// The construct in its line; the line's beginning if it is not there (a macro).
Location place_in(std::string_view text, const BlockTrouble& trouble) {
  std::size_t begin = 0;
  for (int line = 1; line < trouble.line && begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    begin = end == text.npos ? text.size() : end + 1;
  }
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  const std::size_t column = trouble.construct.empty() ? 0 : line.find(trouble.construct);
  return {.line = trouble.line, .column = column == line.npos ? 1 : static_cast<int>(column) + 1};
}

}  // namespace

std::int64_t chunk_of(std::int64_t tasks, int threads) {
  constexpr std::int64_t chunks_a_thread = 8;
  return std::max<std::int64_t>(1, tasks / (chunks_a_thread * std::max(1, threads)));
}

Executor::Executor(const KerfBridge& bridge, const Source& source, const LoadMessage& load, const KernelEntry* kernels,
                   const Channel* interpreter, StatusPage& page)
    : bridge_(bridge),
      source_(source),
      load_(load),
      kernels_(kernels),
      interpreter_(interpreter),
      page_(page),
      shared_variables_(source.candidate.language == Language::cuda ? shared_variables_of(kernels)
                                                                    : SharedVariables{}) {}

Executor::~Executor() { watch(nullptr); }

Executor::Slot& Executor::slot(TensorId id) {
  const auto index = static_cast<std::size_t>(id);
  while (slots_.size() <= index) {
    slots_.push_back({.tensor = OwnedTensor(nullptr, ReleaseTensor{&bridge_}), .memory = {}, .name = {}});
    table_.push_back(nullptr);
  }
  return slots_[index];
}

Result<> Executor::put(TensorId id, std::string name, const TensorSpec& spec, GuardedMemory memory, bool writable) {
  if (spec.shape.size() > kerf_bridge_max_dims) return fail(ErrorKind::unavailable, name + " has too many dimensions");
  Slot& s = slot(id);
  const KerfSpec wanted = to_bridge(spec);
  OwnedTensor tensor(bridge_.wrap(memory.data(), &wanted), ReleaseTensor{&bridge_});
  if (!tensor) return fail(ErrorKind::system, fmt::format("PyTorch cannot wrap {}: {}", name, bridge_.error()));
  TRY(keep(id, std::move(name), std::move(tensor), nullptr));
  s.memory = std::move(memory);
  s.writable = writable;
  return {};
}

Result<> Executor::keep(TensorId id, std::string name, OwnedTensor tensor, const TensorSpec* must_be) {
  Slot& s = slot(id);
  KerfView view{};
  if (!tensor || !bridge_.view(tensor.get(), &view))
    return fail(ErrorKind::candidate,
                fmt::format("{}: {}", name, tensor ? bridge_.error() : "the operator gave no tensor"));
  if (must_be != nullptr && !equal(*must_be, view.spec)) {
    return fail(ErrorKind::candidate, fmt::format("{} was {} when the plan was bound and is {} now", name,
                                                  to_string(*must_be), to_string(from_bridge(view.spec))));
  }
  table_[static_cast<std::size_t>(id)] = tensor.get();
  s.tensor = std::move(tensor);
  s.data = view.data;
  s.spec = from_bridge(view.spec);
  s.storage = view.storage;
  if (!name.empty()) s.name = std::move(name);
  if (!program_) storages_.emplace(view.storage, id);
  return {};
}

void Executor::forget(TensorId id) {
  Slot& s = slot(id);
  table_[static_cast<std::size_t>(id)] = nullptr;
  s.tensor.reset();
  s.memory = GuardedMemory();
  s.data = nullptr;
}

void Executor::rewatch() {
  watch(nullptr);
  watched_.clear();
  for (const Slot& s : slots_)
    if (!s.memory.reserved().empty())
      watched_.push_back({.reserved = s.memory.reserved(), .pages = s.memory.pages(), .name = s.name.c_str()});
  watch(&watched_);
}

Result<> Executor::place(const RunMessage& run, int inputs, int outputs) {
  const Workload& workload = load_.workload;
  if (run.inputs.size() != workload.tensors.size() || run.outputs.size() != workload.outputs.size())
    return fail(ErrorKind::internal, "the trial has other tensors than the workload");
  random_ = Random(run.seed);
  sentinel_ = run.sentinel;
  descending_ = run.descending;
  ++placements_;
  TensorId id = 0;
  for (std::size_t i = 0; i < workload.tensors.size(); ++i, ++id) {
    const NamedTensor& t = workload.tensors[i];
    forget(id);
    auto memory = TRY(
        GuardedMemory::shared(inputs, static_cast<std::size_t>(run.inputs[i]), t.spec.storage_bytes(), false, random_));
    TRY(put(id, t.name, t.spec, std::move(memory), false));
  }
  for (std::size_t i = 0; i < workload.outputs.size(); ++i, ++id) {
    const TensorSpec& spec = workload.outputs[i];
    forget(id);
    auto memory = TRY(
        GuardedMemory::shared(outputs, static_cast<std::size_t>(run.outputs[i]), spec.storage_bytes(), true, random_));
    memory.fill(sentinel_);
    TRY(put(id, workload.output_name(i), spec, std::move(memory), true));
  }
  if (program_) {
    for (; id < std::ssize(program_->tensors); ++id) {
      const BoundTensor& tensor = program_->tensors[static_cast<std::size_t>(id)];
      forget(id);
      if (tensor.kind == BoundTensor::Kind::scratch) TRY(allocate(id, tensor));
    }
  }
  rewatch();
  return {};
}

Result<> Executor::prepare() {
  if (program_) return {};
  const BindRequest request{
      .source = &source_, .workload = &load_.workload, .tune = load_.tune, .threads = load_.threads};
  Program program = TRY(bind(request, *this));
  for (const BoundStep& step : program.steps) {
    if (const auto* launch = std::get_if<BoundLaunch>(&step.does)) {
      ready_.emplace_back(TRY(ready(step, *launch)));
    } else {
      ready_.emplace_back(TRY(ready(step, std::get<BoundCall>(step.does), true)));
    }
  }
  pending_.clear();
  storages_.clear();
  for (TensorId id = 0; id < std::ssize(slots_); ++id) forget(id);
  program_ = std::move(program);
  return {};
}

Result<> Executor::flush_caches() {
  if (sweep_.size() == 0) {
    sweep_ = TRY(GuardedMemory::scratch(static_cast<std::size_t>(load_.sweep_bytes), false, random_));
  }
  const auto sweep = [](void* data, std::int64_t begin, std::int64_t end, int) {
    auto* bytes = static_cast<volatile std::uint8_t*>(data);
    constexpr std::int64_t line = 64;
    for (std::int64_t i = begin; i < end; i += line) bytes[i] = static_cast<std::uint8_t>(bytes[i] + 1);
  };
  constexpr std::int64_t piece = std::int64_t{1} << 20;
  bridge_.parallel(load_.threads, static_cast<std::int64_t>(sweep_.size()), piece, sweep, sweep_.data());
  return {};
}

Result<> Executor::zero(TensorId id) {
  const Slot& s = slot(id);
  std::memset(s.memory.data(), 0, s.memory.size());
  return {};
}

Result<> Executor::zero_all() {
  for (TensorId id = 0; id < std::ssize(program_->tensors); ++id)
    if (program_->tensors[static_cast<std::size_t>(id)].zero) TRY(zero(id));
  return {};
}

Result<> Executor::run_step(std::size_t index) {
  const BoundStep& step = program_->steps[index];
  page_.step.store(step.step, std::memory_order_relaxed);
  if (auto* launching = std::get_if<ReadyLaunch>(&ready_[index])) {
    TRY(run(*launching, step.at));
  } else {
    TRY(run(step, std::get<BoundCall>(step.does), std::get<ReadyCall>(ready_[index])));
  }
  for (const TensorId id : step.release) forget(id);
  return {};
}

Result<RunAnswer> Executor::replay(const RunMessage& run_message) {
  RunAnswer answer;
  adopted_.clear();
  answer.step_us.assign(source_.plan.steps.size(), 0.0);
  bridge_.parallel(
      load_.threads, load_.threads, 1, [](void*, std::int64_t, std::int64_t, int) {}, nullptr);  // wakes the pool
  const std::int64_t switches = involuntary_switches();
  std::int64_t prepare_ns = 0;
  const std::int64_t start = nanoseconds();
  TRY(zero_all());
  std::int64_t before = nanoseconds();
  for (std::size_t i = 0; i < program_->steps.size(); ++i) {
    const BoundStep& step = program_->steps[i];
    TRY(run_step(i));
    const std::int64_t now = nanoseconds();
    answer.step_us[static_cast<std::size_t>(step.step)] += microseconds(now - before);
    if (step.prepare) prepare_ns += now - before;
    before = now;
  }
  answer.device_us = microseconds(before - start);
  answer.prepare_us = microseconds(prepare_ns);
  answer.involuntary_switches = involuntary_switches() - switches;
  if (!run_message.timed) answer.step_us.clear();
  return answer;
}

Result<> Executor::finish(const RunMessage& run) {
  for (const auto& [id, result] : adopted_)
    if (!bridge_.copy(slot(id).tensor.get(), result.get()))
      return fail(ErrorKind::system, fmt::format("an output cannot be copied: {}", bridge_.error()));
  adopted_.clear();
  for (std::size_t id = 0; id < slots_.size(); ++id) {
    const Slot& s = slots_[id];
    if (!s.writable || s.memory.size() == 0 || s.memory.margins_untouched(run.sentinel)) continue;
    for (std::size_t i = program_->steps.size(); i-- > 0;) {
      const auto* launch = std::get_if<BoundLaunch>(&program_->steps[i].does);
      if (launch == nullptr) continue;
      const bool touches = std::ranges::any_of(launch->args, [&](const BoundArgument& a) {
        return a.reaches_memory() && static_cast<std::size_t>(a.tensor) == id;
      });
      if (touches)
        return blame("wrong", "out_of_bounds_write", fmt::format("{} writes beside {}", launch->kernel, s.name),
                     program_->steps[i].at);
    }
    return blame("wrong", "out_of_bounds_write", fmt::format("something writes beside {}", s.name), std::nullopt);
  }
  watch(nullptr);
  for (TensorId id = 0; id < std::ssize(slots_); ++id) forget(id);
  return {};
}

// --- What the binder asks for -------------------------------------------------------------------------------------

Result<std::optional<std::vector<std::string>>> Executor::schemas(std::string_view op) {
  std::vector<std::string> found;
  const auto add = [](void* context, const char* schema) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(schema);
  };
  if (!bridge_.schemas(std::string(op).c_str(), add, &found))
    return fail(ErrorKind::internal, fmt::format("cannot list the overloads of {}: {}", op, bridge_.error()));
  return found;
}

const KernelEntry* Executor::find(std::string_view kernel) const {
  for (const KernelEntry* entry = kernels_; entry != nullptr && entry->name != nullptr; ++entry)
    if (kernel == entry->name) return entry;
  return nullptr;
}

Result<std::optional<std::vector<std::string>>> Executor::prototype(std::string_view kernel) {
  if (interpreter_ != nullptr) return std::nullopt;
  const KernelEntry* entry = find(kernel);
  if (entry == nullptr) return fail(ErrorKind::internal, fmt::format("the image has no entry for {}", kernel));
  std::vector<std::string> types;
  for (const char* const* type = entry->types; *type != nullptr; ++type) types.emplace_back(*type);
  return types;
}

Result<> Executor::allocate(TensorId id, const BoundTensor& tensor) {
  if (!tensor.spec) return fail(ErrorKind::internal, tensor.name + " has no known shape");
  auto memory = GuardedMemory::scratch(tensor.spec->storage_bytes(),
                                       (placements_ + static_cast<std::uint64_t>(id)) % 2 == 1, random_);
  if (!memory) {
    return blame("crashed", "memory",
                 fmt::format("no memory for scratch {} of {} bytes", tensor.name, tensor.spec->storage_bytes()),
                 std::nullopt);
  }
  memory->fill(sentinel_);
  TRY(put(id, tensor.name, *tensor.spec, *std::move(memory), true));
  if (!program_) {
    if (tensor.zero) TRY(zero(id));
    rewatch();
  }
  return {};
}

Result<ReadyLaunch> Executor::ready(const BoundStep& step, const BoundLaunch& launch) const {
  ReadyLaunch out;
  if (interpreter_ != nullptr) {
    out.interpreted = launch;
    return out;
  }
  out.kernel = find(launch.kernel);
  if (out.kernel == nullptr)
    return fail(ErrorKind::internal, fmt::format("the image has no entry for {}", launch.kernel), step.at);
  out.grid = launch.grid;
  for (const std::int64_t extent : launch.grid) out.tasks *= extent;
  out.arguments = launch.args.size();
  if (launch.block) {
    out.emulated = EmulatedLaunch{.kernel = out.kernel,
                                  .grid = {1, 1, 1},
                                  .block = launch.block->extent,
                                  .shared_bytes = launch.block->shared_bytes,
                                  .variables = shared_variables_,
                                  .cooperative = launch.block->cooperative,
                                  .tensor_maps = std::ranges::any_of(launch.args, [](const BoundArgument& argument) {
                                    return argument.kind == BoundArgument::Kind::tensor_map;
                                  })};
    std::ranges::copy(launch.grid, out.emulated->grid.begin());
  }
  const auto threads = static_cast<std::size_t>(load_.threads);
  out.values.assign(out.arguments * threads, 0);
  for (std::size_t t = 0; t < threads; ++t) {
    for (std::size_t a = 0; a < out.arguments; ++a) {
      const BoundArgument& argument = launch.args[a];
      std::uint64_t& bits = out.values[t * out.arguments + a];
      const auto set = [&](auto value) { std::memcpy(&bits, &value, sizeof value); };
      using enum BoundArgument::Kind;
      switch (argument.kind) {
        case tensor:
          if (t == 0) out.tensors.emplace_back(a, argument.tensor);
          break;
        case tensor_map:
          if (t == 0) out.maps.push_back(TRY(emulated_map(argument)));
          break;
        case thread:
          set(static_cast<std::int64_t>(t));
          break;
        case i64:
          set(argument.integer);
          break;
        case i32:
          set(static_cast<std::int32_t>(argument.integer));
          break;
        case f32:
          set(static_cast<float>(argument.number));
          break;
        case f64:
          set(argument.number);
          break;
        case boolean:
          set(argument.integer != 0);
          break;
        case unknown:
          return fail(ErrorKind::internal, "an argument of unknown type reached the runner", argument.at);
      }
    }
  }
  for (std::uint64_t& value : out.values) out.pointers.push_back(&value);
  for (std::size_t t = 0; t < threads; ++t) {
    std::size_t map = 0;
    for (std::size_t a = 0; a < out.arguments; ++a)
      if (launch.args[a].kind == BoundArgument::Kind::tensor_map)
        out.pointers[t * out.arguments + a] = &out.maps[map++].map;
  }
  return out;
}

Result<ReadyMap> Executor::emulated_map(const BoundArgument& argument) const {
  const TiledTensor tensor = TRY(tiled(slots_[static_cast<std::size_t>(argument.tensor)].spec, argument.map));
  if (std::cmp_less(tensor.box[0] * static_cast<unsigned>(tensor.element_bytes), argument.map.swizzle)) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: line {}: a box narrower than its swizzle is not emulated on the CPU; this "
                            "candidate needs an NVIDIA GPU",
                            argument.at.line),
                argument.at);
  }
  ReadyMap out{.bytes = {}, .tensor = argument.tensor};
  out.map = {.magic = KerfTensorMap::right_magic,
             .data = nullptr,
             .extent = {},
             .stride = {},
             .box = {},
             .rank = static_cast<unsigned>(tensor.rank),
             .element_bytes = static_cast<unsigned>(tensor.element_bytes),
             .swizzle = static_cast<unsigned>(argument.map.swizzle)};
  std::ranges::copy(tensor.extent, out.map.extent);
  std::ranges::copy(tensor.stride, out.map.stride);
  std::ranges::copy(tensor.box, out.map.box);
  return out;
}

Result<> Executor::run_interpreted(const BoundLaunch& launch, Location at) {
  std::vector<InterpretedTensor> tensors;
  std::set<TensorId> seen;
  for (const BoundArgument& argument : launch.args) {
    if (argument.kind != BoundArgument::Kind::tensor || !seen.insert(argument.tensor).second) continue;
    const Slot& s = slots_[static_cast<std::size_t>(argument.tensor)];
    if (s.data != s.memory.data())
      return fail(ErrorKind::unavailable, "unavailable: a call's result as an argument of an interpreted launch", at);
    tensors.push_back({.name = s.name,
                       .dtype = s.spec.dtype,
                       .memory = {static_cast<std::byte*>(s.memory.data()), s.memory.size()},
                       .writable = s.writable});
  }
  return interpret(*interpreter_, launch, load_.tune, descending_, tensors, at);
}

void Executor::fill_addresses(ReadyLaunch& launch) const {
  const auto threads = static_cast<std::size_t>(load_.threads);
  for (const auto& [argument, id] : launch.tensors) {
    const auto address = reinterpret_cast<std::uint64_t>(slots_[static_cast<std::size_t>(id)].data);
    for (std::size_t t = 0; t < threads; ++t) launch.values[t * launch.arguments + argument] = address;
  }
}

Result<> Executor::run(ReadyLaunch& launch, Location at) {
  if (launch.interpreted) return run_interpreted(*launch.interpreted, at);
  fill_addresses(launch);
  for (ReadyMap& map : launch.maps) {
    map.map.data = static_cast<unsigned char*>(slots_[static_cast<std::size_t>(map.tensor)].data);
    constexpr std::uintptr_t unit = 16;
    if (reinterpret_cast<std::uintptr_t>(map.map.data) % unit != 0)
      return blame(
          "rejected", "tensor_map",
          fmt::format("the tensor of {}'s tensor map begins at no multiple of {} bytes", launch.kernel->name, unit),
          at);
  }
  Launching context{.launch = &launch, .descending = descending_};
  page_.phase.store(StatusPage::Phase::launch, std::memory_order_relaxed);
  Result<> grid;
  if (launch.emulated && launch.emulated->cooperative) {
    grid = run_grid(context, launch.pointers);
  } else if (descending_) {
    for (std::int64_t task = launch.tasks; task-- > 0;) run_tasks(&context, task, task + 1, 0);
  } else if (launch.tasks == 1 || load_.threads == 1) {
    run_tasks(&context, 0, launch.tasks, 0);
  } else {
    bridge_.parallel(load_.threads, launch.tasks, chunk_of(launch.tasks, load_.threads), run_tasks, &context);
  }
  page_.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  TRY(std::move(grid));
  if (!context.trouble) return {};
  const BlockTrouble trouble = TRY(std::move(*context.trouble));
  return blame("wrong", trouble.rule, fmt::format("{}: {}", launch.kernel->name, trouble.message),
               trouble.line > 0 ? place_in(source_.candidate.text, trouble) : at);
}

Result<> Executor::check_margins(const BoundStep& step, const BoundLaunch& launch) {
  for (const BoundArgument& argument : launch.args) {
    if (!argument.reaches_memory()) continue;
    const Slot& s = slots_[static_cast<std::size_t>(argument.tensor)];
    if (s.writable && !s.memory.margins_untouched(sentinel_))
      return blame("wrong", "out_of_bounds_write", fmt::format("{} writes beside {}", launch.kernel, s.name), step.at);
  }
  return {};
}

Result<> Executor::launch(const BoundStep& step, const BoundLaunch& launch) {
  page_.step = step.step;
  ReadyLaunch launching = TRY(ready(step, launch));
  TRY(run(launching, step.at));
  return check_margins(step, launch);
}

std::unexpected<Error> Executor::torch_failed(const BoundStep& step, const std::string& op) const {
  const std::string why = bridge_.error();
  const bool memory = why.find("can't allocate") != std::string::npos ||
                      why.find("not enough memory") != std::string::npos || why.find("bad_alloc") != std::string::npos;
  return memory ? blame("crashed", "memory", fmt::format("{}: {}", op, why), step.at)
                : blame("rejected", "call", fmt::format("{}: {}", op, why), step.at);
}

Result<ReadyCall> Executor::ready(const BoundStep& step, const BoundCall& call, bool out) const {
  ReadyCall result{.call = OwnedCall(nullptr, DropCall{&bridge_}), .writes_outs = out && call.out_overload.has_value()};
  result.call = prepare_call(bridge_, call, result.writes_outs);
  if (!result.call) return torch_failed(step, call.op);
  return result;
}

Result<> Executor::run_call(const BoundStep& step, const BoundCall& call, KerfCall* prepared) {
  constexpr std::int64_t room = 1024;
  thread_local std::array<KerfTensor*, room> results;
  page_.phase.store(StatusPage::Phase::call, std::memory_order_relaxed);
  const std::int64_t count = bridge_.call(prepared, table_.data(), results.data(), room);
  page_.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  pending_.clear();
  if (count < 0) return torch_failed(step, call.op);
  for (std::int64_t i = 0; i < std::min(count, room); ++i)
    pending_.emplace_back(results[static_cast<std::size_t>(i)], ReleaseTensor{&bridge_});
  if (count > room)
    return blame("rejected", "call", fmt::format("{} has {} results, more than {}", call.op, count, room), step.at);
  return {};
}

Result<std::optional<std::vector<CallResult>>> Executor::call(const BoundStep& step, const BoundCall& call) {
  page_.step = step.step;
  const ReadyCall prepared = TRY(ready(step, call, false));
  TRY(run_call(step, call, prepared.call.get()));
  std::vector<CallResult> described;
  for (const OwnedTensor& tensor : pending_) {
    CallResult result;
    KerfView view{};
    if (tensor) {
      if (!bridge_.view(tensor.get(), &view)) return torch_failed(step, call.op);
      result.spec = from_bridge(view.spec);
      if (const auto found = storages_.find(view.storage); found != storages_.end()) result.alias_of = found->second;
    }
    described.push_back(std::move(result));
  }
  return described;
}

Result<> Executor::commit(const BoundStep& step, const BoundCall& call) {
  for (std::size_t i = 0; i < call.outs.size() && i < pending_.size(); ++i) {
    const BoundOut& out = call.outs[i];
    const std::string name = fmt::format("result {} of {}", i, call.op);
    if (out.kind == BoundOut::Kind::keep) {
      const TensorSpec* must_be = nullptr;
      if (program_) must_be = &*program_->tensors[static_cast<std::size_t>(out.tensor)].spec;
      if (auto kept = keep(out.tensor, name, std::move(pending_[i]), must_be); !kept)
        return blame("rejected", "call", kept.error().message, step.at);
    } else if (out.kind == BoundOut::Kind::adopt && pending_[i] && !program_->is_scratch(out.tensor)) {
      adopted_.emplace_back(out.tensor, std::move(pending_[i]));
    } else if (out.kind != BoundOut::Kind::drop) {
      if (!pending_[i] || !bridge_.copy(slot(out.tensor).tensor.get(), pending_[i].get()))
        return torch_failed(step, call.op);
    }
  }
  pending_.clear();
  return {};
}

Result<> Executor::run(const BoundStep& step, const BoundCall& call, ReadyCall& prepared) {
  auto ran = run_call(step, call, prepared.call.get());
  if (!ran && prepared.writes_outs) {
    // Some out overloads write intermediate results of another shape to what they are given (smooth_l1_loss with a
    // mean): from now on the operator itself, and a copy. The failed resize has left its shape on our tensors: wrap
    // them anew.
    for (const BoundOut& out : call.outs) {
      if (out.kind != BoundOut::Kind::write) continue;
      Slot& s = slot(out.tensor);
      const TensorSpec& spec = *program_->tensors[static_cast<std::size_t>(out.tensor)].spec;
      TRY(put(out.tensor, s.name, spec, std::move(s.memory), s.writable));
    }
    prepared = TRY(ready(step, call, false));
    ran = run_call(step, call, prepared.call.get());
  }
  TRY(std::move(ran));
  if (prepared.writes_outs) {
    pending_.clear();
    return {};
  }
  return commit(step, call);
}

}  // namespace kerf
