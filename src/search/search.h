// ask, tell, cancel. Search knows no model, no compiler and no database: it sees rewards and says where to go on.
// One thread; the same seed and the same tells in the same order give the same tree, bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "synthesize/memory.h"

namespace kerf {

using NodeIndex = std::int64_t;  // position in the tree, from 0 (the root: the identity plan)
using ExpansionId = std::uint64_t;

enum class Task : std::uint8_t {
  root,       // judge the identity plan: the first expansion of every search, alone in flight until it is told
  expand,     // have a new candidate written
  remeasure,  // time `parents[0]` again before building on it: it may have been lucky
};

struct Expansion {
  ExpansionId id = 0;
  Task task = Task::expand;
  MemoryOperator memory = MemoryOperator::fresh;
  double propensity = 1;           // probability with which `memory` was chosen where it was; 1: there was no choice
  std::vector<NodeIndex> parents;  // [0] is built upon; further ones are recalled. Empty: from nothing
  std::uint64_t seed = 0;          // for whoever carries it out
  std::string reason;              // why the policy chose this, for people
};

// Log speedup against eager, as a distribution.
struct Reward {
  double mean = 0;
  double standard_error = 0;
};

struct Outcome {
  enum class Kind : std::uint8_t {
    measured,  // a right candidate with a reward: becomes a node
    failed,    // rejected, wrong, crashed …: becomes a leaf that is never built upon, except to repair it
    nothing,   // the synthesizer had nothing new to say from there: no node, the parent is exhausted for this memory
  };
  Kind kind = Kind::nothing;
  Reward reward;
  double fraction_of_speed_of_light = 0;  // 0 if unknown
};

[[nodiscard]] const char* to_string(Task task);
[[nodiscard]] const char* to_string(Outcome::Kind kind);

struct Search {
  Search() = default;
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  virtual ~Search() = default;
  // Up to n expansions; fewer, or none, if the tree has nothing more to offer until something is told.
  [[nodiscard]] virtual std::vector<Expansion> ask(int n) = 0;
  // Index of the new node; nullopt for `nothing` and for remeasurements. `user` error for an unknown expansion.
  // Whatever is told of the root makes node 0, even `nothing` (no identity plan could be written: the search starts
  // from fresh).
  virtual Result<std::optional<NodeIndex>> tell(ExpansionId id, const Outcome& outcome) = 0;
  virtual void cancel(ExpansionId id) = 0;  // takes the virtual loss back
  [[nodiscard]] virtual std::optional<NodeIndex> best() const = 0;
  [[nodiscard]] virtual bool exhausted() const = 0;                    // nothing in flight and nothing left to ask
  [[nodiscard]] virtual std::vector<Expansion> in_flight() const = 0;  // asked, neither told nor cancelled; by id
};

struct SearchOptions {
  std::string policy = "mcts";  // a name of policies() in policy.h
  std::uint64_t seed = 0;
  double exploration = 1.0;  // weight of the exploration term, in units of the range of rewards seen
  double widening = 1.0;     // a node with n visits may have widening * n^widening_power children
  double widening_power = 0.35;
  double best_weight = 0.6;  // a node is worth this much of its subtree's best, the rest of its mean
  int remeasure = 2;         // a node is timed again at most so often before it is built upon; 0: never
  double doubt = 1.645;      // a lead of less than so many standard errors may be luck (one-sided 5 %)
  int repair = 0;            // how often in a row a failed candidate may be repaired: Synthesizer::repairs
  int fruitless = 1;         // so often in a row nothing comes of a memory at a node before it is exhausted there:
                             // Synthesizer::fruitless
};

// `user` error that lists the policies if there is none of that name.
[[nodiscard]] Result<std::unique_ptr<Search>> make_search(const SearchOptions& options);

}  // namespace kerf
