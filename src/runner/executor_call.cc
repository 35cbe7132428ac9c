// How the executor calls PyTorch's operators, through the bridge.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "runner/blame.h"
#include "runner/executor.h"

namespace kerf {

Result<std::optional<std::vector<std::string>>> Executor::schemas(std::string_view op) {
  std::vector<std::string> found;
  const auto add = [](void* context, const char* schema) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(schema);
  };
  if (!bridge_.schemas(std::string(op).c_str(), add, &found))
    return fail(ErrorKind::internal, fmt::format("cannot list the overloads of {}: {}", op, bridge_.error()));
  return found;
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
