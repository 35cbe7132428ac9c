// Who watches a session: a terminal, a log of JSON lines, later a web page. One interface, called on the loop's thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "search/stopper.h"
#include "session/node.h"
#include "synthesize/model/spend.h"

namespace kerf {

enum class Phase : std::uint8_t { understanding, searching, confirming, finished };
[[nodiscard]] const char* to_string(Phase phase);

// Where a session stands, complete in itself.
struct Snapshot {
  std::string session;
  std::string problem;
  Phase phase = Phase::understanding;
  Progress progress;
  int in_flight = 0;
  int failed = 0;  // candidates that were not right
  std::optional<NodeIndex> best;
  std::optional<Ratio> best_speedup;  // against eager
  std::optional<double> best_fraction_of_speed_of_light;
  std::string reason;  // why the last expansion was chosen, for people
  std::string budget;  // as --budget spells it
  std::optional<double> seconds_left;
  Spend spend;
  bool interrupted = false;
};

struct ProgressView {
  ProgressView() = default;
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;
  virtual ~ProgressView() = default;
  virtual void show(const Snapshot& snapshot) = 0;                             // something changed
  virtual void judged(const Snapshot& snapshot, const SessionNode& node) = 0;  // a new node, or one measured again
  virtual void note(const std::string& line) = 0;                              // something a person should know
};

// For callers that do not watch.
struct SilentView final : ProgressView {
  void show(const Snapshot&) override {}
  void judged(const Snapshot&, const SessionNode&) override {}
  void note(const std::string&) override {}
};

[[nodiscard]] nlohmann::json to_json(const Snapshot& snapshot);

}  // namespace kerf
