// All that judging a batch of candidates needs, in one file, and the file of what was found out: for machines that
// cannot be reached all the time. Both are JSON Lines of sealed objects. docs/elsewhere.md.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "candidate/candidate.h"
#include "evaluate/evaluator.h"
#include "fleet/sealed.h"
#include "problem/problem.h"

namespace kerf {

inline constexpr std::size_t max_bundle_bytes = std::size_t{256} << 20;
inline constexpr std::size_t max_bundle_items = 10'000;

// One evaluation that is wanted.
struct BundleItem {
  Candidate candidate;
  Effort effort = Effort::screen;
  bool remeasure = false;
  bool profile = false, traces = false, ncu = false;  // as in EvaluationRequest
  std::uint64_t expansion = 0;                        // of the session that wants to know; 0: none
};

struct Bundle {
  std::string session;  // that wrote it; empty: kerf evaluate
  std::string target = "cpu";
  bool graph = false;       // times are to be those of one captured graph
  nlohmann::json versions;  // of kerf that wrote it
  Problem problem;
  std::vector<BundleItem> items;
  std::string digest = {};  // hexadecimal SHA-256 of the whole file but its last line; set by reading and writing
};

// The file's text; sets `digest`. Two bundles of the same content are the same bytes. `user` error if something in it
// is too large, or not UTF-8.
[[nodiscard]] Result<std::string> to_text(Bundle& bundle);
// `user` error that says what is wrong with which line.
[[nodiscard]] Result<Bundle> bundle_from_text(std::string_view text);

// What ties results to a bundle, and says where they are from.
struct ResultsHead {
  std::string bundle;  // digest
  std::string session;
  std::string target = "cpu";
  nlohmann::json machine;
  nlohmann::json versions;
  friend bool operator==(const ResultsHead&, const ResultsHead&) = default;
};

struct BundleResult {
  std::size_t item = 0;  // in the bundle
  Effort effort = Effort::screen;
  std::uint64_t expansion = 0;
  Evaluation evaluation;
};

struct Results {
  ResultsHead head;
  std::vector<BundleResult> results;  // in the order in which they were judged; an item once
  // Bytes of the lines that are whole. Shorter than the file if whoever wrote it was stopped within a line, which is no
  // error: that line was not yet known to anybody.
  std::size_t whole = 0;
};

[[nodiscard]] Result<std::string> to_line(const ResultsHead& head);
[[nodiscard]] Result<std::string> to_line(const BundleResult& result);
[[nodiscard]] Result<Results> results_from_text(std::string_view text);
// Whether a file is one of results, by its beginning.
[[nodiscard]] bool begins_results(std::string_view text);

}  // namespace kerf
