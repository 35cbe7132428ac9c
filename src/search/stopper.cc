#include "search/stopper.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace kerf {
namespace {

// At the pace so far, how long until `done` of `all` is all.
std::optional<double> pace(double done, double all, double seconds) {
  if (done <= 0 || seconds <= 0) return std::nullopt;
  return std::max(0.0, all - done) * seconds / done;
}

class Candidates final : public Stopper {
 public:
  explicit Candidates(double limit) : limit_(limit) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    if (static_cast<double>(progress.candidates) < limit_) return std::nullopt;
    return StopReason{"candidates", fmt::format("{} candidate{} judged", progress.candidates,
                                                progress.candidates == 1 ? " was" : "s were")};
  }
  std::optional<double> seconds_left(const Progress& progress) const override {
    return pace(static_cast<double>(progress.candidates), limit_, progress.seconds);
  }
  std::string describe() const override { return fmt::format("{}candidates", limit_); }

 private:
  double limit_;
};

class WallTime final : public Stopper {
 public:
  explicit WallTime(double seconds) : limit_(seconds) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    if (progress.seconds < limit_) return std::nullopt;
    return StopReason{"time", fmt::format("its {} were over", describe())};
  }
  std::optional<double> seconds_left(const Progress& progress) const override {
    return std::max(0.0, limit_ - progress.seconds);
  }
  std::string describe() const override {
    if (std::fmod(limit_, 3600) == 0) return fmt::format("{}h", limit_ / 3600);
    if (std::fmod(limit_, 60) == 0) return fmt::format("{}m", limit_ / 60);
    return fmt::format("{}s", limit_);
  }

 private:
  double limit_;
};

class Plateau final : public Stopper {
 public:
  explicit Plateau(double limit) : limit_(limit) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    if (static_cast<double>(progress.since_improvement) < limit_) return std::nullopt;
    return StopReason{"plateau",
                      fmt::format("the last {} candidates brought nothing better by 1 %", progress.since_improvement)};
  }
  // The next candidate may start it anew: not to be foreseen.
  std::optional<double> seconds_left(const Progress&) const override { return std::nullopt; }
  std::string describe() const override { return fmt::format("{}plateau", limit_); }

 private:
  double limit_;
};

class SpeedOfLight final : public Stopper {
 public:
  explicit SpeedOfLight(double fraction) : fraction_(fraction) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    if (progress.best_fraction_of_speed_of_light < fraction_) return std::nullopt;
    return StopReason{"speed_of_light", fmt::format("the best runs at {:.0f} % of the speed of light",
                                                    100 * progress.best_fraction_of_speed_of_light)};
  }
  std::optional<double> seconds_left(const Progress&) const override { return std::nullopt; }
  std::string describe() const override { return fmt::format("{}sol", fraction_); }

 private:
  double fraction_;
};

class Tokens final : public Stopper {
 public:
  explicit Tokens(double limit) : limit_(limit) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    if (static_cast<double>(progress.tokens) < limit_) return std::nullopt;
    return StopReason{"tokens", fmt::format("{} tokens were spent", progress.tokens)};
  }
  std::optional<double> seconds_left(const Progress& progress) const override {
    return pace(static_cast<double>(progress.tokens), limit_, progress.seconds);
  }
  std::string describe() const override {
    if (std::fmod(limit_, 1e6) == 0) return fmt::format("{}mtokens", limit_ / 1e6);
    if (std::fmod(limit_, 1e3) == 0) return fmt::format("{}ktokens", limit_ / 1e3);
    return fmt::format("{}tokens", limit_);
  }

 private:
  double limit_;
};

class Dollars final : public Stopper {
 public:
  explicit Dollars(double limit) : limit_(limit) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    // A bill that cannot be added up cannot be kept to.
    if (!progress.usd_known) return StopReason{"dollars", "a call was made whose price is unknown"};
    if (progress.usd < limit_) return std::nullopt;
    return StopReason{"dollars", fmt::format("{:.4g} dollars were spent", progress.usd)};
  }
  std::optional<double> seconds_left(const Progress& progress) const override {
    return pace(progress.usd, limit_, progress.seconds);
  }
  bool counts_dollars() const override { return true; }
  std::string describe() const override { return fmt::format("{}usd", limit_); }

 private:
  double limit_;
};

class Chain final : public Stopper {
 public:
  explicit Chain(std::vector<std::unique_ptr<Stopper>> stoppers) : stoppers_(std::move(stoppers)) {}
  std::optional<StopReason> stop(const Progress& progress) const override {
    for (const auto& stopper : stoppers_) {
      if (std::optional<StopReason> reason = stopper->stop(progress)) return reason;
    }
    return std::nullopt;
  }
  std::optional<double> seconds_left(const Progress& progress) const override {
    std::optional<double> shortest;
    for (const auto& stopper : stoppers_) {
      const std::optional<double> left = stopper->seconds_left(progress);
      if (left && (!shortest || *left < *shortest)) shortest = left;
    }
    return shortest;
  }
  bool counts_dollars() const override {
    return std::ranges::any_of(stoppers_, [](const auto& stopper) { return stopper->counts_dollars(); });
  }
  std::string describe() const override {
    std::string all;
    for (const auto& stopper : stoppers_) all += (all.empty() ? "" : ",") + stopper->describe();
    return all;
  }

 private:
  std::vector<std::unique_ptr<Stopper>> stoppers_;
};

// A budget's units. To add a stopper: its class above (or a file of its own) and a line here.
struct Unit {
  std::string_view name;
  std::string_view what;
  std::unique_ptr<Stopper> (*make)(double amount);
};
constexpr std::array units = {
    Unit{"candidates", "candidates judged",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Candidates>(n); }},
    Unit{"candidate", "", [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Candidates>(n); }},
    Unit{"s", "seconds", [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<WallTime>(n); }},
    Unit{"m", "minutes", [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<WallTime>(60 * n); }},
    Unit{"h", "hours", [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<WallTime>(3600 * n); }},
    Unit{"plateau", "candidates in a row without a gain of 1 %",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Plateau>(n); }},
    Unit{"sol", "fraction of the speed of light",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<SpeedOfLight>(n); }},
    Unit{"tokens", "tokens of models, in and out",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Tokens>(n); }},
    Unit{"ktokens", "thousands",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Tokens>(1e3 * n); }},
    Unit{"mtokens", "millions", [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Tokens>(1e6 * n); }},
    Unit{"usd", "dollars that models cost",
         [](double n) -> std::unique_ptr<Stopper> { return std::make_unique<Dollars>(n); }},
};

Result<std::unique_ptr<Stopper>> parse_one(std::string_view text) {
  double amount = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (code == std::errc{} && std::isfinite(amount) && amount > 0) {
    for (const Unit& known : units) {
      if (known.name == unit) return known.make(amount);
    }
  }
  std::string names;
  for (const Unit& known : units) {
    if (!known.what.empty()) names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", known.name, known.what);
  }
  return user_error(fmt::format(
      "'{}' is no budget: write a positive number and a unit, as in 64candidates,5m; the units are {}", text, names));
}

}  // namespace

void count(Progress& progress, Task task, const Outcome& outcome) {
  const bool judged = task == Task::expand && outcome.kind != Outcome::Kind::nothing;
  if (judged) {
    ++progress.candidates;
    ++progress.since_improvement;
  }
  if (outcome.kind != Outcome::Kind::measured || task == Task::remeasure) return;
  progress.best_fraction_of_speed_of_light =
      std::max(progress.best_fraction_of_speed_of_light, outcome.fraction_of_speed_of_light);
  if (progress.best && outcome.reward.mean <= *progress.best) return;
  if (!progress.best || outcome.reward.mean >= *progress.best + std::log(1.01)) progress.since_improvement = 0;
  progress.best = outcome.reward.mean;
}

std::unique_ptr<Stopper> chain(std::vector<std::unique_ptr<Stopper>> stoppers) {
  return std::make_unique<Chain>(std::move(stoppers));
}

Result<std::unique_ptr<Stopper>> parse_budget(std::string_view text) {
  std::vector<std::unique_ptr<Stopper>> stoppers;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    stoppers.push_back(TRY(parse_one(part)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return chain(std::move(stoppers));
}

}  // namespace kerf
