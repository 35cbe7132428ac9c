#include "app/live_view.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "app/words.h"

namespace kerf {

namespace {

constexpr Nanoseconds redraw_interval = std::chrono::milliseconds(100);
constexpr Nanoseconds plain_interval = std::chrono::seconds(10);

// The one thing that outlives the view: a handler for a way out that runs no destructors has to know.
std::atomic<bool> cursor_hidden{false};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

std::string best_words(const Snapshot& s) {
  if (!s.best || !s.best_speedup) return "nothing right yet";
  std::string text = ratio_words(*s.best_speedup) + " vs eager";
  if (s.best_fraction_of_speed_of_light)
    text += fmt::format(", {} of the speed of light", percent_words(*s.best_fraction_of_speed_of_light));
  return text;
}

std::string cost_words(const Spend& spend) {
  const std::string tokens = fmt::format("{:.1f}k tokens", static_cast<double>(spend.tokens()) / 1000);
  return spend.usd() ? fmt::format("{}, {}", tokens, usd_words(*spend.usd())) : tokens + ", price unknown";
}

std::string left_words(const Snapshot& s) {
  if (s.interrupted) return "stopping";
  return s.seconds_left ? duration_words(*s.seconds_left) + " left" : "budget " + s.budget;
}

}  // namespace

std::vector<std::string> live_lines(const Snapshot& s, int columns) {
  const auto width = static_cast<std::size_t>(std::max(columns, 10));
  if (s.phase == Phase::understanding) return {fit(s.problem + ": reading, tracing and checking the problem", width)};
  if (s.phase == Phase::confirming) {
    return {
        fit(fmt::format("{}: confirming the best of {}", s.problem, count_words(s.progress.candidates, "candidate")),
            width),
        fit("  best " + best_words(s), width)};
  }
  std::string head = fmt::format("{}: {}, {} in flight, {}", s.problem, count_words(s.progress.candidates, "candidate"),
                                 s.in_flight, left_words(s));
  if (columns_of(head) > width) {  // narrow: what matters most
    head = fmt::format("{} done, {}", s.progress.candidates, left_words(s));
  }
  std::string best = "  best " + best_words(s);
  if (columns_of(best) > width && s.best_speedup) best = fmt::format("  best {:.2f}x", s.best_speedup->value);
  if (s.spend.calls > 0) best += "; " + cost_words(s.spend);
  std::vector<std::string> lines{fit(head, width), fit(best, width)};
  if (!s.reason.empty()) lines.push_back(fit("  " + s.reason, width));
  return lines;
}

std::string plain_line(const Snapshot& s) {
  return fmt::format("{}: {} ({} failed), {} in flight, best {}, {}", s.problem,
                     count_words(s.progress.candidates, "candidate"), s.failed, s.in_flight,
                     best_words(s) + (s.spend.calls > 0 ? ", " + cost_words(s.spend) : ""),
                     s.phase == Phase::searching ? left_words(s) : std::string(to_string(s.phase)));
}

void restore_terminal() {
  if (!cursor_hidden.exchange(false)) return;
  static constexpr char show[] = "\x1b[?25h\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, show, sizeof show - 1);
}

LiveView::LiveView(Loop& loop, const Clock& clock, Terminal terminal, Output output)
    : loop_(loop), clock_(clock), terminal_(terminal), output_(std::move(output)) {}

LiveView::~LiveView() {
  *alive_ = false;
  close();
}

void LiveView::close() {
  if (!open_) return;
  erase();
  open_ = false;
  if (cursor_hidden.exchange(false)) output_("\x1b[?25h");
}

void LiveView::erase() {
  if (drawn_ == 0) return;
  std::string text;
  for (int i = 0; i < drawn_; ++i) text += "\x1b[1A\x1b[2K";
  output_("\r" + text);
  drawn_ = 0;
}

void LiveView::draw() {
  if (!open_ || !last_) return;
  Snapshot now = *last_;
  // Time goes on between two events.
  const double since = seconds(clock_.now() - shown_at_);
  now.progress.seconds += since;
  if (now.seconds_left) now.seconds_left = std::max(0.0, *now.seconds_left - since);
  std::string text;
  if (!cursor_hidden.exchange(true)) text += "\x1b[?25l";
  for (int i = 0; i < drawn_; ++i) text += "\x1b[1A";
  const auto lines = live_lines(now, terminal_.columns - 1);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool best = i == 1 && terminal_.color && now.best_speedup && now.best_speedup->win();
    text += "\r\x1b[2K" + (best ? "\x1b[32m" + lines[i] + "\x1b[0m" : lines[i]) + "\n";
  }
  for (auto extra = static_cast<int>(lines.size()); extra < drawn_; ++extra) text += "\x1b[2K\n";
  drawn_ = std::max(drawn_, static_cast<int>(lines.size()));
  output_(text);
  drawn_at_ = clock_.now();
}

void LiveView::tick() {
  if (ticking_) return;
  ticking_ = true;
  loop_.after(std::chrono::milliseconds(1000), [this, alive = alive_] {
    if (!*alive) return;
    ticking_ = false;
    if (!open_ || !last_ || last_->phase == Phase::finished) return;
    terminal_ = standard_error_terminal();
    draw();
    tick();
  });
}

void LiveView::show(const Snapshot& snapshot) {
  const bool news = !last_ || last_->phase != snapshot.phase || last_->best != snapshot.best;
  last_ = snapshot;
  shown_at_ = clock_.now();
  if (snapshot.phase == Phase::finished) return close();
  if (news || clock_.now() - drawn_at_ >= redraw_interval) draw();
  tick();
}

void LiveView::judged(const Snapshot& snapshot, const SessionNode&) { show(snapshot); }

void LiveView::note(const std::string& line) {
  erase();
  output_(one_line(line) + "\n");
  draw();
}

void PlainView::show(const Snapshot& snapshot) {
  if (snapshot.phase == Phase::understanding) return;  // nothing worth a line of a log, and it may be refused
  const bool news = phase_ != snapshot.phase || best_ != snapshot.best;
  if (!news && last_ && clock_.now() - *last_ < plain_interval) return;
  phase_ = snapshot.phase;
  best_ = snapshot.best;
  last_ = clock_.now();
  if (snapshot.phase != Phase::finished) output_(plain_line(snapshot) + "\n");
}

void PlainView::judged(const Snapshot& snapshot, const SessionNode&) { show(snapshot); }
void PlainView::note(const std::string& line) { output_(one_line(line) + "\n"); }

void JsonView::show(const Snapshot& snapshot) {
  if (phase_ == snapshot.phase) return;
  phase_ = snapshot.phase;
  output_(to_json(snapshot).dump() + "\n");
}
void JsonView::judged(const Snapshot& snapshot, const SessionNode& node) {
  nlohmann::json json = to_json(snapshot);
  json["node"] = node.index;
  json["verdict"] = to_string(node.best_known().verdict);
  json["move"] = node.proposal.move;
  output_(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}
void JsonView::note(const std::string& line) {
  output_(nlohmann::json{{"note", line}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace kerf
