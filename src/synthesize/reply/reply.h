// What a model wrote, as data: a candidate, or why there is none that an evaluation could be spent on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "candidate/candidate.h"
#include "problem/problem.h"
#include "synthesize/model/model.h"

namespace kerf {

enum class ReplyFault : std::uint8_t {
  empty,         // neither text nor candidate
  no_candidate,  // prose only, or blocks without a plan
  bad_edit,      // an edit that cannot be read, or does not apply
  bad_plan,      // a candidate whose plan cannot be read, or that lint refuses
  cut_off,       // ended at the limit of tokens in the middle of a candidate
  refusal,
  repetition,  // what it goes on from, or another candidate of the session
};
[[nodiscard]] const char* to_string(ReplyFault fault);

// A reply that costs no evaluation. The message is a sentence or two for the model.
struct Unusable {
  ReplyFault fault = ReplyFault::no_candidate;
  std::string message;
  std::optional<Location> at = {};          // in `candidate`
  std::optional<Candidate> candidate = {};  // what the next edit would be of, if one could be read
};

struct Written {
  Candidate candidate;
  std::string rationale;  // the line "Change: …", else the first line of prose; one line, at most 300 bytes
  bool edited = false;    // an edit, and not a complete source
};

using ReadReply = std::variant<Written, Unusable>;

struct ReplyContext {
  Language language = Language::cpp;
  std::string name;                     // of a candidate, for messages
  const Candidate* base = nullptr;      // what edits are edits of; nullptr: nothing
  const Understood* problem = nullptr;  // to lint on its primary workload; nullptr: the plan is only read
  int threads = 0;                      // for lint
  // Whether the session has that candidate already: a sentence that says so ("it is node 7"), or none.
  std::function<std::optional<std::string>(const Candidate&)> known = {};
};

// Which of several blocks counts: the last one that is a complete source with a plan. If there is none, or if it only
// repeats `base`, all edits of the reply are applied in order to `base`. A reply without any block that begins with a
// comment and has a plan is taken whole. A reply that was cut off counts if all its blocks are closed.
[[nodiscard]] ReadReply read_reply(const ModelReply& reply, const ReplyContext& context);

}  // namespace kerf
