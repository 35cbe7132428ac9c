// A candidate's place in the session's tree, with all that the session knows of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/evaluation.h"
#include "search/search.h"
#include "synthesize/synthesizer.h"

namespace kerf {

struct SessionNode {
  NodeIndex index = 0;
  Expansion expansion;    // why it exists: parents, memory operator, the policy's reason
  Proposal proposal;      // the candidate and what its synthesizer says of it; no text if none could be written
  Outcome outcome;        // as first told
  Evaluation evaluation;  // the first, Effort::screen
  std::vector<Evaluation> remeasured;   // in order of measuring
  std::optional<Evaluation> confirmed;  // Effort::confirm: what a report quotes

  [[nodiscard]] std::optional<NodeIndex> parent() const {
    return expansion.parents.empty() ? std::nullopt : std::optional(expansion.parents[0]);
  }
  [[nodiscard]] bool measured() const { return outcome.kind == Outcome::Kind::measured; }
  [[nodiscard]] bool has_candidate() const { return !proposal.candidate.text.empty(); }
  // The evaluation with the most behind it: confirmed, else the last measured.
  [[nodiscard]] const Evaluation& best_known() const;
};

// All nodes of a session by index.
using SessionNodes = std::vector<SessionNode>;

// From the root to `node`, following parents[0].
[[nodiscard]] std::vector<NodeIndex> line_to(const SessionNodes& nodes, NodeIndex node);

// The speedup that is searched for: against eager where it was timed. nullptr if the evaluation has none.
[[nodiscard]] const Ratio* speedup_of(const Evaluation& evaluation, const char* baseline = "eager");

// Right where nothing can take its time: in an emulation.
[[nodiscard]] bool is_untimed(const Evaluation& evaluation);
// What the search is told. Failed: any verdict but `measured`, or a quarantined time; a reward of 0 where nothing is
// timed. The reward's standard error is read off the 99 % interval.
[[nodiscard]] Outcome outcome_of(const Evaluation& evaluation);

// Whether the evaluation's speedup over eager excludes 1.
[[nodiscard]] bool is_win(const Evaluation& evaluation);

}  // namespace kerf
