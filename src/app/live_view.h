// The views of a running session on standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/console.h"
#include "base/clock.h"
#include "base/loop.h"
#include "session/progress_view.h"

namespace kerf {

// What the live view shows: one to three lines, each at most `columns` wide, without colour.
[[nodiscard]] std::vector<std::string> live_lines(const Snapshot& snapshot, int columns);
// One line for logs.
[[nodiscard]] std::string plain_line(const Snapshot& snapshot);

using Output = std::function<void(std::string_view)>;

// Redraws in place, at most ten times a second, and once a second when nothing happens. The cursor is hidden while it
// draws and comes back with close(), with destruction, and with restore_terminal() on every other way out.
class LiveView final : public ProgressView {
 public:
  LiveView(Loop& loop, const Clock& clock, Terminal terminal, Output output);
  ~LiveView() override;
  void show(const Snapshot& snapshot) override;
  void judged(const Snapshot& snapshot, const SessionNode& node) override;
  void note(const std::string& line) override;
  void close();

 private:
  void draw();
  void erase();
  void tick();
  Loop& loop_;
  const Clock& clock_;
  Terminal terminal_;
  Output output_;
  std::optional<Snapshot> last_;
  Nanoseconds shown_at_{0}, drawn_at_{0};
  int drawn_ = 0;  // lines on the screen
  bool ticking_ = false;
  bool open_ = true;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A line when the best improves or the phase changes, else at most one in ten seconds.
class PlainView final : public ProgressView {
 public:
  PlainView(const Clock& clock, Output output) : clock_(clock), output_(std::move(output)) {}
  void show(const Snapshot& snapshot) override;
  void judged(const Snapshot& snapshot, const SessionNode& node) override;
  void note(const std::string& line) override;

 private:
  const Clock& clock_;
  Output output_;
  std::optional<Nanoseconds> last_;
  std::optional<NodeIndex> best_;
  std::optional<Phase> phase_;
};

// One JSON object a line for every new node and change of phase: for programs that watch (--progress json).
class JsonView final : public ProgressView {
 public:
  explicit JsonView(Output output) : output_(std::move(output)) {}
  void show(const Snapshot& snapshot) override;
  void judged(const Snapshot& snapshot, const SessionNode& node) override;
  void note(const std::string& line) override;

 private:
  Output output_;
  std::optional<Phase> phase_;
};

// Shows the cursor again if a LiveView hid it. Safe in a signal handler and at exit.
void restore_terminal();

}  // namespace kerf
