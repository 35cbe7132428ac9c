// When to stop. Stoppers are small and chain: the first that has a reason ends the session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "search/search.h"

namespace kerf {

// Where a session stands. The session keeps `seconds` and what was spent; `count` does the rest.
struct Progress {
  std::int64_t candidates = 0;  // told, failed ones too; without the root, remeasurements and `nothing`
  double seconds = 0;           // since the session started, pauses (killed, resumed) left out
  std::optional<double> best;   // log speedup against eager
  double best_fraction_of_speed_of_light = 0;
  std::int64_t since_improvement = 0;  // candidates told since `best` last rose by 1 % or more
  std::int64_t tokens = 0;             // in and out, of all calls to models
  double usd = 0;                      // of the calls whose price is known
  bool usd_known = true;               // all prices are
};

// Takes a told outcome into account (of the root, too: task says which it is).
void count(Progress& progress, Task task, const Outcome& outcome);

struct StopReason {
  // "candidates", "time", "plateau", "speed_of_light", "tokens", "dollars"; sessions add "exhausted", "interrupted", …
  std::string by;
  std::string why;  // for people: "64 candidates were judged"
};

struct Stopper {
  Stopper() = default;
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;
  virtual ~Stopper() = default;
  [[nodiscard]] virtual std::optional<StopReason> stop(const Progress& progress) const = 0;
  // At the pace so far; nullopt where it cannot be foreseen.
  [[nodiscard]] virtual std::optional<double> seconds_left(const Progress& progress) const = 0;
  // Whether it looks at what models cost: then prices have to be known.
  [[nodiscard]] virtual bool counts_dollars() const { return false; }
  // As --budget spells it: "64candidates".
  [[nodiscard]] virtual std::string describe() const = 0;
};

// Stops when its first stopper does; time left is the shortest.
[[nodiscard]] std::unique_ptr<Stopper> chain(std::vector<std::unique_ptr<Stopper>> stoppers);

// "64candidates,5m,20plateau,0.95sol,200ktokens,2usd": candidates; seconds (s), minutes (m) or hours (h) of wall time;
// candidates without an improvement of 1 %; fraction of the speed of light; tokens (also ktokens, mtokens: thousands,
// millions) and dollars spent on models. `user` error that lists the units otherwise.
[[nodiscard]] Result<std::unique_ptr<Stopper>> parse_budget(std::string_view text);

}  // namespace kerf
