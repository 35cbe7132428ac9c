// One session on the loop, watched on standard error, to its end or to Ctrl-C; then the files that a person takes away.
#pragma once

#include <memory>
#include <string>

#include "app/report.h"
#include "app/wiring.h"
#include "session/session.h"

namespace kerf {

// A session of the store that is to go on: how it stands, how it was begun, what it searches.
struct StoredSession {
  SessionRecord record;
  SessionOptions choices;
  Problem problem;
};
// `id` as people write it. `user` error for an unknown one, and while another kerf works on it.
[[nodiscard]] Result<StoredSession> take_up(Store& store, const std::string& id);

[[nodiscard]] std::unique_ptr<ProgressView> make_progress_view(Wiring& wiring, const std::string& choice);

// Runs it to its end. After the first interrupt the session ends by itself; after a second one the process does.
// Afterwards the first one does (die_on_interrupt()).
[[nodiscard]] SessionResult run_to_end(Wiring& wiring, Session& session);
// The same, where other sessions follow or are under way: interrupts are theirs afterwards.
[[nodiscard]] SessionResult run_among_others(Wiring& wiring, Session& session);
// Once no loop turns any more that would hear of it: an interrupt ends the process, with the terminal as it was.
void die_on_interrupt();
[[noreturn]] void leave_now();

// The best candidate's source, its evaluation, an exported module and the report itself, in `folder` (created). Empty:
// ./kerf-out/<problem>-<session>. Fills report.folder and report.files.
[[nodiscard]] Result<> write_files(Report& report, const Understood& problem, const std::string& folder);

// Ends the process with `code` if leaving main takes longer than people wait after Ctrl-C: what is on disk is complete,
// only processes that a compiler or a runner keeps busy are waited for.
void leave_soon(int code);

}  // namespace kerf
