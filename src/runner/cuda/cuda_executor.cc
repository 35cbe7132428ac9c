#include "runner/cuda/cuda_executor.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "runner/blame.h"

namespace kerf {
namespace {

// As the oracle waits before a baseline (oracle/kerf_oracle/baselines.py).
constexpr std::uint64_t hand_over_ns = 300'000;

}  // namespace

CudaExecutor::CudaExecutor(const CudaDriver& driver, const Filler& filler, const DeviceBuffer& flush,
                           const KerfBridge* bridge, int device, const Source& source, const DeviceRequest& load,
                           StatusPage& page)
    : driver_(driver),
      filler_(filler),
      flush_(flush),
      bridge_(bridge),
      device_(device),
      source_(source),
      load_(load),
      page_(page) {}

CudaExecutor::~CudaExecutor() {
  for (const CuEvent event : events_) driver_.event_destroy(event);
}

void CudaExecutor::note(TensorId id, BoundTensor tensor) {
  const auto index = static_cast<std::size_t>(id);
  if (bound_.size() <= index) bound_.resize(index + 1);
  bound_[index] = std::move(tensor);
}

CudaExecutor::Slot& CudaExecutor::slot(TensorId id) {
  const auto index = static_cast<std::size_t>(id);
  while (slots_.size() <= index) {
    slots_.emplace_back();
    table_.push_back(nullptr);
  }
  return slots_[index];
}

Result<> CudaExecutor::put(TensorId id, std::string name, const TensorSpec& spec, CuPointer at) {
  Slot& s = slot(id);
  s.data = at;
  s.spec = spec;
  s.name = std::move(name);
  if (bridge_ == nullptr) return {};
  const KerfSpec wanted = to_bridge(spec);
  OwnedTensor tensor(bridge_->wrap(reinterpret_cast<void*>(at), &wanted), ReleaseTensor{bridge_});
  if (!tensor) return fail(ErrorKind::system, fmt::format("PyTorch cannot wrap {}: {}", s.name, bridge_->error()));
  if (!program_) {
    KerfView view{};
    if (bridge_->view(tensor.get(), &view)) storages_.emplace(view.storage, id);
  }
  table_[static_cast<std::size_t>(id)] = tensor.get();
  s.tensor = std::move(tensor);
  return {};
}

Result<> CudaExecutor::keep(TensorId id, OwnedTensor tensor, const TensorSpec* must_be) {
  Slot& s = slot(id);
  KerfView view{};
  if (!tensor || !bridge_->view(tensor.get(), &view))
    return fail(ErrorKind::candidate, tensor ? bridge_->error() : "the operator gave no tensor");
  if (must_be != nullptr && !equal(*must_be, view.spec)) {
    return fail(ErrorKind::candidate, fmt::format("the result was {} when the plan was bound and is {} now",
                                                  to_string(*must_be), to_string(from_bridge(view.spec))));
  }
  s.data = reinterpret_cast<CuPointer>(view.data);
  s.spec = from_bridge(view.spec);
  table_[static_cast<std::size_t>(id)] = tensor.get();
  s.tensor = std::move(tensor);
  if (!program_) {
    storages_.emplace(view.storage, id);
    note(id, {.kind = BoundTensor::Kind::result, .spec = s.spec});
  }
  return {};
}

void CudaExecutor::forget(TensorId id) {
  Slot& s = slot(id);
  table_[static_cast<std::size_t>(id)] = nullptr;
  s.tensor.reset();
  s.data = 0;
}

Result<> CudaExecutor::place(const DeviceRequest& request, OpenedMemories& memories) {
  const Workload& workload = load_.load.workload;
  const RunMessage& run = request.run;
  if (bridge_ != nullptr) bridge_->round_convolutions(!workload.exact_convolutions);
  if (run.inputs.size() != workload.tensors.size() || run.outputs.size() != workload.outputs.size())
    return fail(ErrorKind::internal, "the trial has other tensors than the workload");
  sentinel_ = run.sentinel;
  const CuPointer inputs = TRY(memories.open(request.inputs)), outputs = TRY(memories.open(request.outputs));
  TensorId id = 0;
  for (std::size_t i = 0; i < workload.tensors.size(); ++i, ++id) {
    note(id, {.name = workload.tensors[i].name, .index = static_cast<int>(i), .spec = workload.tensors[i].spec});
    TRY(put(id, workload.tensors[i].name, workload.tensors[i].spec, inputs + static_cast<CuPointer>(run.inputs[i])));
  }
  for (std::size_t i = 0; i < workload.outputs.size(); ++i, ++id) {
    note(id, {.kind = BoundTensor::Kind::output,
              .name = workload.output_name(i),
              .index = static_cast<int>(i),
              .spec = workload.outputs[i]});
    TRY(put(id, workload.output_name(i), workload.outputs[i], outputs + static_cast<CuPointer>(run.outputs[i])));
  }
  if (!program_) return {};
  for (; id < std::ssize(program_->tensors); ++id) {
    const BoundTensor& tensor = program_->tensors[static_cast<std::size_t>(id)];
    if (tensor.kind == BoundTensor::Kind::scratch) TRY(allocate(id, tensor));
  }
  return settle("filling memory", std::nullopt);
}

Result<> CudaExecutor::prepare() {
  if (program_) return {};
  // Where a plan's bytes in scratch end is a matter of the device's memory, which the binder cannot ask for.
  const BindRequest request{.source = &source_,
                            .workload = &load_.load.workload,
                            .tune = load_.load.tune,
                            .threads = load_.load.threads,
                            .scratch_limit = load_.load.memory_limit};
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
  // What the first pass wrote must not stand in for what a replay leaves out.
  const std::size_t first = load_.load.workload.tensors.size(), count = load_.load.workload.outputs.size();
  for (std::size_t i = first; i < first + count; ++i)
    TRY(filler_.fill(slots_[i].data, (slots_[i].spec.storage_bytes() + 7) / 8 * 8, sentinel_));
  for (TensorId id = 0; id < std::ssize(slots_); ++id) forget(id);
  program_ = std::move(program);
  return settle("filling memory", std::nullopt);
}

Result<CuEvent> CudaExecutor::event(std::size_t i) {
  while (events_.size() <= i) {
    CuEvent made = nullptr;
    if (const CuResult code = driver_.event_create(&made, 0); code != 0)
      return fail(ErrorKind::system, fmt::format("cannot make an event: {}", driver_.name(code)));
    events_.push_back(made);
  }
  return events_[i];
}

Result<> CudaExecutor::use_stream(CuStream stream) {
  if (bridge_ != nullptr && !bridge_->use_stream(stream))
    return fail(ErrorKind::system, fmt::format("PyTorch does not take a stream: {}", bridge_->error()));
  stream_ = stream;
  return {};
}

Result<> CudaExecutor::hand_over(const std::function<Result<>(std::size_t)>& each) {
  for (TensorId id = 0; id < std::ssize(program_->tensors); ++id) {
    const BoundTensor& tensor = program_->tensors[static_cast<std::size_t>(id)];
    if (tensor.zero) driver_.memset8(slot(id).data, 0, slot(id).scratch->size(), stream_);
  }
  for (std::size_t i = 0; i < program_->steps.size(); ++i) {
    const BoundStep& step = program_->steps[i];
    page_.step.store(step.step, std::memory_order_relaxed);
    if (auto* launching = std::get_if<CudaLaunch>(&ready_[i])) {
      TRY(run(*launching, step.at));
    } else {
      TRY(run(step, std::get<BoundCall>(step.does), std::get<ReadyCall>(ready_[i])));
    }
    for (const TensorId id : step.release) forget(id);
    TRY(each(i));
  }
  return {};
}

Result<RunAnswer> CudaExecutor::replay(const RunMessage& run_message, bool as_graph) {
  if (!as_graph || !run_message.timed) return replay_on(run_message, false);
  if (!captures_) captures_.emplace(TRY(CaptureStream::make(driver_)));
  // Also where steps are timed one by one: PyTorch makes memory and handles ready for a stream at its first use.
  TRY(use_stream(captures_->get()));
  auto answer = replay_on(run_message, !step_us_.empty());
  TRY(use_stream(nullptr));
  return answer;
}

Result<RunAnswer> CudaExecutor::replay_on(const RunMessage& run_message, bool as_graph) {
  RunAnswer answer;
  adopted_.clear();
  // Events between steps take time themselves: only the first timed run, which nobody counts, has them.
  const bool each_step = run_message.timed && step_us_.empty();
  const std::size_t steps = program_->steps.size();
  TRY(event(each_step ? steps + 1 : 1));
  const CuEvent begin = TRY(event(0)), end = TRY(event(1));
  // Where a run is timed the device waits until what can be handed over at once is there: times are the device's.
  const CuEvent handed_over = TRY(event((each_step ? steps + 1 : 1) + 1));
  std::optional<CapturedGraph> graph;
  if (as_graph) {
    capturing_ = true;
    auto captured =
        CapturedGraph::capture(driver_, stream_, [this] { return hand_over([](std::size_t) { return Result<>(); }); });
    capturing_ = false;
    graph.emplace(TRY(std::move(captured)));
  }
  driver_.event_record(handed_over, stream_);
  if (run_message.timed && run_message.cold) {
    driver_.reset_persisting_l2();
    driver_.memset8(flush_.data(), 0, flush_.size(), stream_);
  }
  const auto waits_from = std::chrono::steady_clock::now();
  if (run_message.timed) TRY(filler_.wait(hand_over_ns, stream_));
  driver_.event_record(begin, stream_);
  if (graph) {
    if (const CuResult code = graph->launch(stream_); code != 0) return device_failed(code, "the graph", std::nullopt);
  } else {
    TRY(hand_over([&](std::size_t i) -> Result<> {
      if (each_step) driver_.event_record(events_[i + 1], stream_);
      if (run_message.timed) return {};
      const BoundStep& step = program_->steps[i];
      const auto* launch = std::get_if<BoundLaunch>(&step.does);
      return settle(launch != nullptr ? launch->kernel : std::get<BoundCall>(step.does).op, step.at);
    }));
  }
  if (!each_step) driver_.event_record(end, stream_);
  answer.shows_host = std::chrono::steady_clock::now() - waits_from >= std::chrono::nanoseconds(hand_over_ns);
  TRY(settle("the plan", std::nullopt));
  const auto us = [&](CuEvent from, CuEvent to) {
    float ms = 0;
    driver_.event_elapsed(&ms, from, to);
    return static_cast<double>(ms) * 1e3;
  };
  if (!run_message.timed) return answer;
  if (each_step) {
    step_us_.assign(source_.plan.steps.size(), 0.0);
    for (std::size_t i = 0; i < steps; ++i) {
      const double took = us(events_[i], events_[i + 1]);
      step_us_[static_cast<std::size_t>(program_->steps[i].step)] += took;
      if (program_->steps[i].prepare) prepare_us_ += took;
    }
  }
  answer.device_us = us(begin, each_step ? events_[steps] : end);
  answer.before_us = us(handed_over, begin);
  answer.prepare_us = prepare_us_;
  answer.step_us = step_us_;
  return answer;
}

Result<> CudaExecutor::replay_marked() {
  const auto mark = [this] { return driver_.memset8(flush_.data(), 0, static_cast<std::size_t>(mark_bytes), stream_); };
  adopted_.clear();
  TRY(filler_.wait(hand_over_ns, stream_));
  if (const CuResult code = mark(); code != 0) return device_failed(code, "a mark", std::nullopt);
  TRY(hand_over([](std::size_t) { return Result<>(); }));
  if (const CuResult code = mark(); code != 0) return device_failed(code, "a mark", std::nullopt);
  return settle("the plan", std::nullopt);
}

Result<> CudaExecutor::finish() {
  for (const auto& [id, result] : adopted_)
    if (!bridge_->copy(slot(id).tensor.get(), result.get()))
      return fail(ErrorKind::system, fmt::format("an output cannot be copied: {}", bridge_->error()));
  if (!adopted_.empty()) TRY(settle("copying outputs", std::nullopt));
  adopted_.clear();
  for (std::size_t id = 0; id < slots_.size(); ++id) {
    const Slot& s = slots_[id];
    if (!s.scratch || TRY(s.scratch->margins_untouched(sentinel_))) continue;
    return blame_write_beside(*program_, static_cast<TensorId>(id), s.name);
  }
  for (TensorId id = 0; id < std::ssize(slots_); ++id) forget(id);
  return {};
}

Result<> CudaExecutor::settle(const std::string& what, std::optional<Location> at) {
  if (const CuResult code = driver_.synchronize(); code != 0) return device_failed(code, what, at);
  return {};
}

std::unexpected<Error> CudaExecutor::device_failed(CuResult code, const std::string& what, std::optional<Location> at) {
  lost_ = true;
  if (!is_sticky(code)) return fail(ErrorKind::system, fmt::format("the GPU failed: {}", driver_.name(code)));
  const char* rule = code == 700 || code == 716 || code == 717 ? "out_of_bounds" : code == 710 ? "assert" : "signal";
  const char* words = code == 700   ? "reads or writes an address that is not its own"
                      : code == 716 ? "reads or writes an address that its type does not allow (alignment)"
                      : code == 710 ? "fails an assertion"
                                    : "is ended by the device";
  return blame("crashed", rule, fmt::format("{} {} ({})", what, words, driver_.name(code)), at);
}

Result<> CudaExecutor::allocate(TensorId id, const BoundTensor& tensor) {
  if (!tensor.spec) return fail(ErrorKind::internal, tensor.name + " has no known shape");
  Slot& s = slot(id);
  if (!program_) note(id, tensor);
  if (!s.scratch) s.scratch = TRY(DeviceBuffer::allocate(driver_, tensor.spec->storage_bytes()));
  TRY(filler_.fill(s.scratch->base(), s.scratch->whole(), sentinel_));
  TRY(put(id, tensor.name, *tensor.spec, s.scratch->data()));
  if (!program_ && tensor.zero) driver_.memset8(s.data, 0, s.scratch->size(), nullptr);
  return {};
}
}  // namespace kerf
