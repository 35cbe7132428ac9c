#include "runner/executor.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "runner/blame.h"

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

}  // namespace

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
    return blame_write_beside(*program_, static_cast<TensorId>(id), s.name);
  }
  watch(nullptr);
  for (TensorId id = 0; id < std::ssize(slots_); ++id) forget(id);
  return {};
}

}  // namespace kerf
