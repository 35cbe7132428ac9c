// How a session ends: the best and its runners-up are confirmed.
#include <fmt/format.h>

#include <utility>

#include "session/confirm.h"
#include "session/engine.h"

namespace kerf {

namespace {

constexpr int max_confirmation_tries = 8;

}  // namespace

void Session::Engine::begin_confirming() {
  phase_ = Phase::confirming;
  to_confirm_ = confirmation_order(nodes, search_->best());
  for (const SessionNode& node : nodes) {  // by a process that died while confirming
    if (!node.confirmed) continue;
    ++confirmation_tries_;
    if (outcome_of(*node.confirmed).kind == Outcome::Kind::measured) ++confirmations_;
  }
  tell_view();
  confirm_next();
}

void Session::Engine::confirm_next() {
  const auto node_of = [&](NodeIndex i) -> SessionNode& { return nodes[static_cast<std::size_t>(i)]; };
  std::erase_if(to_confirm_, [&](NodeIndex i) { return node_of(i).confirmed.has_value(); });
  // Runners-up that the search already saw to be slower than the library are not worth a run.
  std::erase_if(to_confirm_, [&](NodeIndex i) {
    return i != 0 && confirmations_ + confirmations_awaited_ > 0 && pooled_log_speedup(node_of(i)) <= 0;
  });
  std::optional<NodeIndex> next;
  if (confirmations_ + confirmations_awaited_ < options.confirm && confirmation_tries_ < max_confirmation_tries &&
      !to_confirm_.empty()) {
    next = to_confirm_.front();
    to_confirm_.erase(to_confirm_.begin());
  } else if (confirmations_awaited_ > 0) {
    return wait_elsewhere(static_cast<std::size_t>(confirmations_awaited_));
  } else if (const HandOver now = hand_over(nodes); options.confirm > 0 && now.node && !now.confirmed) {
    // No win: the identity plan is handed over, and its times ought to be quotable, too.
    const SessionNode& node = node_of(*now.node);
    if (!node.confirmed && !is_untimed(node.best_known()) && confirmation_tries_ < max_confirmation_tries + 1)
      next = now.node;
  }
  if (!next) return finish(SessionStatus::finished);
  ++confirmation_tries_;
  parts.evaluator.submit(node_of(*next).proposal.candidate,
                         {.problem = problem_, .effort = Effort::confirm, .remeasure = true},
                         [weak = weak_from_this(), node = *next](Result<Evaluation> evaluation) {
                           if (const auto self = weak.lock()) self->confirmed(node, std::move(evaluation));
                         });
}

void Session::Engine::confirmed(NodeIndex index, Result<Evaluation> evaluation) {
  if (done_called_ || interrupted_) return;
  SessionNode& node = nodes[static_cast<std::size_t>(index)];
  if (!evaluation && evaluation.error().kind == ErrorKind::deferred) {
    ++confirmations_awaited_;
  } else if (!evaluation) {
    parts.view.note(fmt::format("node {} could not be confirmed: {}", index, evaluation.error().message));
    if (hopeless(evaluation.error())) return fail_with(std::move(evaluation).error());
  } else {
    if (!kept(writer_->confirm(index, *evaluation))) return;
    if (outcome_of(*evaluation).kind == Outcome::Kind::measured)  // not so where it was quarantined
      ++confirmations_;
    else
      parts.view.note(
          fmt::format("node {} did not stand up to the confirming run: {}", index, evaluation->message.value_or("?")));
    node.confirmed = std::move(*evaluation);
    if (!save_state(SessionStatus::running)) return;
    parts.view.judged(snapshot(), node);
  }
  parts.loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->done_called_ && !self->interrupted_) self->confirm_next();
  });
}

}  // namespace kerf
