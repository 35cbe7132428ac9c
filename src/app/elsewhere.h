// Sessions that another machine judges for, in rounds: bundles out, results in. docs/elsewhere.md.
#pragma once

#include <memory>
#include <string>

#include "app/commands.h"
#include "app/wiring.h"
#include "session/session.h"

namespace kerf {

// The folder, created, as an absolute path.
[[nodiscard]] Result<std::string> made_folder(const std::string& asked);
// Writes what the session waits for to its folder and says what to do with it, or does nothing if it waits for nothing.
// The same content goes to the same file. The path; empty: nothing is awaited.
[[nodiscard]] Result<std::string> write_awaited(Wiring& wiring, const Session& session, const Problem& problem);

// How a session ended: its files and its report, or the bundle that it waits for. The exit code.
[[nodiscard]] Result<int> hand_out(Wiring& wiring, const SessionResult& result, const Session& session,
                                   const Understood& problem, const CommonOptions& common, const std::string& out);

// A problem as the session kept it, and the target's facts into `parts`: what goes on without an oracle.
[[nodiscard]] Result<std::shared_ptr<const Understood>> understood_then(const SessionRecord& record,
                                                                        const Problem& problem, SessionParts& parts);

// A regular file of at most `limit` bytes.
[[nodiscard]] Result<std::string> read_bounded(const std::string& path, std::size_t limit);
// Whether kerf tell was given results of kerf worker run, and takes them in.
[[nodiscard]] bool are_results(const std::string& path);
[[nodiscard]] Result<int> tell_results(const TellOptions& options);

}  // namespace kerf
