// Who writes candidates: the built-in synthesizer, a model, an agent, a recording.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "evaluate/evaluation.h"
#include "problem/problem.h"
#include "synthesize/memory.h"

namespace kerf {

// A node of the tree as a synthesizer sees it.
struct Recalled {
  std::int64_t node = 0;
  Candidate candidate;
  Evaluation evaluation;
  nlohmann::json recipe;   // what the synthesizer that wrote it needs to go on from it; null if it kept nothing
  std::string rationale;   // why this step was taken
  double log_speedup = 0;  // against eager
};

struct SynthesisRequest {
  std::uint64_t expansion = 0;
  std::shared_ptr<const Understood> problem;
  nlohmann::json target;              // descriptor and calibration
  Language language = Language::cpp;  // that candidates are to be written in
  MemoryOperator memory = MemoryOperator::fresh;
  std::vector<Recalled> ancestors;  // the parent first, then its parent …; empty for fresh
  std::vector<Recalled> siblings;   // other children of the parent, or other good nodes for combine
  std::vector<std::string> tried;   // digests of every candidate of the session: writing one again is no news
  std::uint64_t seed = 0;           // of this expansion: the same request gives the same reply
  int first_attempt = 0;            // Purpose::attempt of the first call to a model that this request leads to
  // Whether a call of that Purpose::attempt (from 1) fits what may be spent. Asked before every call but attempt 0,
  // which whoever made this request has allowed; not set: all do. Who may not call has nothing new to write.
  std::function<bool(int attempt)> may_call = {};
};

// Summed over all calls that a proposal took.
struct Usage {
  std::int64_t tokens_in = 0, tokens_out = 0;
  double usd = 0;
  double seconds = 0;
  std::int64_t cached_in = 0;  // of tokens_in: read from a provider's prompt cache
  bool usd_known = true;       // false: a call had no known price, and `usd` is the sum of the others
};

// One call to a model, as the session was billed for it.
struct Charge {
  std::string model;  // as --synthesizer spells it
  Usage usage;
};

struct Proposal {
  Candidate candidate;
  nlohmann::json recipe;
  std::string move;       // name of the move that led here: "fuse", "tile", …; empty for models
  std::string rationale;  // one sentence
  std::string prompt;     // as it was sent to a model, every turn of the conversation; empty if there was none
  Usage usage;
};

struct Synthesizer {
  Synthesizer() = default;
  Synthesizer(const Synthesizer&) = delete;
  Synthesizer& operator=(const Synthesizer&) = delete;
  virtual ~Synthesizer() = default;
  using Ticket = std::uint64_t;
  // nullopt: nothing new can be written from here (every move was tried).
  using Reply = std::move_only_function<void(Result<std::optional<Proposal>>)>;
  // Never blocks; `reply` comes on the loop's thread, possibly before propose returns.
  virtual Ticket propose(const SynthesisRequest& request, Reply reply) = 0;
  virtual void cancel(Ticket ticket) = 0;
  // The session tells what an expansion's calls cost when it ends, whatever came of it; before learn, if that follows.
  // In the order of tells.
  virtual void charge(std::span<const Charge> calls) { (void)calls; }
  // The session tells how a proposal fared, so that policies can learn within it. Called in the order of tells.
  virtual void learn(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) = 0;
  [[nodiscard]] virtual std::string name() const = 0;  // as --synthesizer spells it
  // How often in a row it may be asked to repair what failed (SearchOptions::repair); 0: it cannot.
  [[nodiscard]] virtual int repairs() const { return 0; }
  // How often in a row nothing may come of the same question before there is nothing (SearchOptions::fruitless): 1
  // where the answer is always the same.
  [[nodiscard]] virtual int fruitless() const { return 1; }
};

}  // namespace kerf
