// How the executor calls PyTorch's operators, through the bridge.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "runner/blame.h"
#include "runner/cuda/cuda_executor.h"

namespace kerf {

Result<std::optional<std::vector<std::string>>> CudaExecutor::schemas(std::string_view op) {
  if (bridge_ == nullptr) return fail(ErrorKind::internal, "a plan with calls was loaded without the bridge");
  std::vector<std::string> found;
  const auto add = [](void* context, const char* schema) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(schema);
  };
  if (!bridge_->schemas(std::string(op).c_str(), add, &found))
    return fail(ErrorKind::internal, fmt::format("cannot list the overloads of {}: {}", op, bridge_->error()));
  return found;
}

std::unexpected<Error> CudaExecutor::torch_failed(const BoundStep& step, const std::string& op) {
  const std::string why = bridge_->error();
  if (capturing_) return fail(ErrorKind::unavailable, fmt::format("{}: {}", op, why), step.at);
  if (auto settled = settle(op, step.at); !settled) return std::unexpected(settled.error());
  return why.find("out of memory") != std::string::npos
             ? blame("crashed", "memory", fmt::format("{}: {}", op, why), step.at)
             : blame("rejected", "call", fmt::format("{}: {}", op, why), step.at);
}

Result<CudaExecutor::ReadyCall> CudaExecutor::ready(const BoundStep& step, const BoundCall& call, bool out) const {
  ReadyCall result{.call = OwnedCall(nullptr, DropCall{bridge_}), .writes_outs = out && call.out_overload.has_value()};
  result.call = prepare_call(*bridge_, call, result.writes_outs);
  if (!result.call) return blame("rejected", "call", fmt::format("{}: {}", call.op, bridge_->error()), step.at);
  return result;
}

Result<> CudaExecutor::run_call(const BoundStep& step, const BoundCall& call, KerfCall* prepared) {
  constexpr std::int64_t room = 1024;
  std::array<KerfTensor*, room> results;
  page_.phase.store(StatusPage::Phase::call, std::memory_order_relaxed);
  const std::int64_t count = bridge_->call(prepared, table_.data(), results.data(), room);
  page_.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  pending_.clear();
  if (count < 0) return torch_failed(step, call.op);
  for (std::int64_t i = 0; i < std::min(count, room); ++i)
    pending_.emplace_back(results[static_cast<std::size_t>(i)], ReleaseTensor{bridge_});
  if (count > room)
    return blame("rejected", "call", fmt::format("{} has {} results, more than {}", call.op, count, room), step.at);
  return {};
}

Result<std::optional<std::vector<CallResult>>> CudaExecutor::call(const BoundStep& step, const BoundCall& call) {
  page_.step = step.step;
  const ReadyCall prepared = TRY(ready(step, call, false));
  TRY(run_call(step, call, prepared.call.get()));
  TRY(settle(call.op, step.at));
  std::vector<CallResult> described;
  for (const OwnedTensor& tensor : pending_) {
    CallResult result;
    KerfView view{};
    if (tensor) {
      if (!bridge_->view(tensor.get(), &view)) return torch_failed(step, call.op);
      result.spec = from_bridge(view.spec);
      if (const auto found = storages_.find(view.storage); found != storages_.end()) result.alias_of = found->second;
    }
    described.push_back(std::move(result));
  }
  return described;
}

Result<> CudaExecutor::commit(const BoundStep& step, const BoundCall& call) {
  for (std::size_t i = 0; i < call.outs.size() && i < pending_.size(); ++i) {
    const BoundOut& out = call.outs[i];
    if (out.kind == BoundOut::Kind::keep) {
      const TensorSpec* must_be = nullptr;
      if (program_) must_be = &*program_->tensors[static_cast<std::size_t>(out.tensor)].spec;
      if (auto kept = keep(out.tensor, std::move(pending_[i]), must_be); !kept)
        return blame("rejected", "call", fmt::format("result {} of {}: {}", i, call.op, kept.error().message), step.at);
    } else if (out.kind == BoundOut::Kind::adopt && pending_[i] && program_->is_scratch(out.tensor)) {
      const TensorSpec& must_be = *program_->tensors[static_cast<std::size_t>(out.tensor)].spec;
      if (auto kept = keep(out.tensor, std::move(pending_[i]), &must_be); !kept)
        return blame("rejected", "call", fmt::format("result {} of {}: {}", i, call.op, kept.error().message), step.at);
    } else if (out.kind == BoundOut::Kind::adopt && pending_[i]) {
      adopted_.emplace_back(out.tensor, std::move(pending_[i]));
    } else if (out.kind != BoundOut::Kind::drop) {
      if (!pending_[i] || !bridge_->copy(slot(out.tensor).tensor.get(), pending_[i].get()))
        return torch_failed(step, call.op);
    }
  }
  pending_.clear();
  return {};
}

Result<> CudaExecutor::run(const BoundStep& step, const BoundCall& call, ReadyCall& prepared) {
  auto ran = run_call(step, call, prepared.call.get());
  if (!ran && prepared.writes_outs && !lost_ && !capturing_) {
    // As in Executor::run: an out overload that resizes what it is given is not usable here.
    for (const BoundOut& out : call.outs) {
      if (out.kind != BoundOut::Kind::write) continue;
      const Slot& s = slot(out.tensor);
      TRY(put(out.tensor, s.name, s.spec, s.data));
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
