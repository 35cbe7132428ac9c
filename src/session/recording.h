// A session as data that can be gone through again, elsewhere, without a network, a compiler or PyTorch: one text file,
// a JSON object a line. docs/store.md.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "evaluate/evaluator.h"
#include "session/session.h"

namespace kerf {

struct Recording {
  SessionId session;  // where it was recorded
  SessionOptions options;
  Problem problem;
  nlohmann::json understood;  // as NewSession keeps it, with the target's facts
  nlohmann::json versions;
  std::vector<Exchange> exchanges;
  Script script;
  std::map<ExpansionId, Evaluation> evaluations;  // by the expansion that they were told for
  std::map<std::string, Evaluation> confirmed;    // confirming runs, by candidate
  std::string tree;                               // tree_digest of its nodes

  [[nodiscard]] Result<std::shared_ptr<const Understood>> problem_understood() const;
};

[[nodiscard]] Result<Recording> record_session(Store& store, const SessionId& id);
[[nodiscard]] std::string to_text(const Recording& recording);
// `user` error that names the line if it is none.
[[nodiscard]] Result<Recording> recording_from_text(std::string_view text);

// Hexadecimal SHA-256 of what a session found out: nodes with what they were built on, candidates, every evaluation and
// the confirming runs. Two sessions with the same digest grew the same tree. Prompts are left out: they change with
// kerf's texts, and a replay says by itself where they do.
[[nodiscard]] std::string tree_digest(const SessionNodes& nodes);

// Evaluations as they were recorded. `user` errors for what was not, and for another candidate than the recorded one.
class RecordedEvaluator final : public Evaluator {
 public:
  RecordedEvaluator(Loop& loop, std::shared_ptr<const Recording> recording)
      : loop_(loop), recording_(std::move(recording)) {}
  void submit(Candidate candidate, EvaluationRequest request, Done done) override;
  // What was submitted and has not been answered is answered with an error of kind `cancelled`.
  void cancel_all() override { ++*generation_; }

 private:
  [[nodiscard]] Result<Evaluation> find(const std::string& candidate, const EvaluationRequest& request) const;
  Loop& loop_;
  std::shared_ptr<const Recording> recording_;
  std::shared_ptr<int> generation_ = std::make_shared<int>(0);
};

}  // namespace kerf
