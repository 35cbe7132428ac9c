// A synthesizer for tests of whoever uses one: writes the texts that it was given, in order, whatever is asked.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/synthesizer.h"

namespace kerf {

// Replies at once, from within propose. A text whose digest was tried already is skipped; nullopt when none is left.
class FakeSynthesizer final : public Synthesizer {
 public:
  // What `learn` was told, in order.
  struct Learned {
    std::uint64_t expansion = 0;
    std::string candidate;  // digest
    Verdict verdict = Verdict::rejected;
  };

  explicit FakeSynthesizer(std::vector<std::string> texts, Language language = Language::cpp)
      : texts_(std::move(texts)), language_(language) {}

  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    const Ticket ticket = ++tickets_;
    requests_.push_back(request);
    if (failure_) {
      reply(std::unexpected(*failure_));
      return ticket;
    }
    for (; next_ < texts_.size(); ++next_) {
      Proposal proposal;
      proposal.candidate = {.text = texts_[next_], .language = language_, .name = "fake" + std::to_string(next_)};
      if (std::ranges::find(request.tried, proposal.candidate.id()) != request.tried.end()) continue;
      proposal.recipe = {{"fake", next_}};
      proposal.move = "next";
      proposal.rationale = "text " + std::to_string(next_) + " of the fake's list";
      ++next_;
      reply(std::optional<Proposal>(std::move(proposal)));
      return ticket;
    }
    reply(std::optional<Proposal>());
    return ticket;
  }
  void cancel(Ticket ticket) override { cancelled_.push_back(ticket); }
  void learn(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) override {
    learned_.push_back({request.expansion, proposal.candidate.id(), evaluation.verdict});
  }
  [[nodiscard]] std::string name() const override { return "fake"; }

  // From now on every proposal fails with this error.
  void fail_with(Error error) { failure_ = std::move(error); }
  [[nodiscard]] const std::vector<SynthesisRequest>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<Learned>& learned() const { return learned_; }
  [[nodiscard]] const std::vector<Ticket>& cancelled() const { return cancelled_; }

 private:
  std::vector<std::string> texts_;
  Language language_;
  std::size_t next_ = 0;
  Ticket tickets_ = 0;
  std::optional<Error> failure_;
  std::vector<SynthesisRequest> requests_;
  std::vector<Learned> learned_;
  std::vector<Ticket> cancelled_;
};

}  // namespace kerf
