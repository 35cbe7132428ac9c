// The final report of a session: for a person in the terminal, as Markdown in a file, as JSON for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "session/session.h"

namespace kerf {

struct Report {
  std::string problem;  // id
  std::string problem_name;
  std::string target = "cpu";
  SessionResult result;
  const SessionNodes* nodes = nullptr;  // must outlive it
  std::string folder;                   // where the files lie; empty if none were written
  std::vector<std::string> files;       // paths
  std::string spec;                     // what the user typed to name the problem, for commands to try next
};

// One step of the best line: what was done and what it brought.
struct LineStep {
  NodeIndex node = 0;
  std::string move, rationale;
  std::optional<double> speedup;  // over eager, as best known
  std::optional<double> gain;     // over its parent on the line
};
[[nodiscard]] std::vector<LineStep> best_line(const SessionNodes& nodes, NodeIndex node);

// {"calls", "tokens_in", "tokens_out", "cached_in", "usd": null if a price is unknown, "saved_usd"}
[[nodiscard]] nlohmann::json spend_json(const Spend& spend);
[[nodiscard]] std::string spend_words(const Spend& spend);  // "12 calls, 34000 tokens in, 5600 out: $0.19"

[[nodiscard]] std::string report_text(const Report& report);
[[nodiscard]] std::string report_markdown(const Report& report);
// {"session", "problem", "target", "candidates", "seconds", "stopped_by", "spend", "best", "files"} and beyond.
[[nodiscard]] nlohmann::json report_json(const Report& report);

// An evaluation in words, for `kerf evaluate` and `kerf show`: verdict, times, diagnosis; several lines.
[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);
// Why it is as fast as it is, with the figures, in sentences: for `--diagnosis`.
[[nodiscard]] std::string diagnosis_text(const Evaluation& evaluation);
// "measured 2.48x (2.44 to 2.51)", "wrong: fp64_error": for one line of a tree.
[[nodiscard]] std::string verdict_words(const Evaluation& evaluation);
[[nodiscard]] std::string bound_words(const Evaluation& evaluation);

}  // namespace kerf
