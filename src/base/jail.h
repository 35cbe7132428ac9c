// The sandbox in which candidates are compiled and run: our own launcher, an argv prefix (kerf-runner --jail SPEC --
// argv…) that shuts itself in and then executes the program. Why not bubblewrap: it is absent on machines that we must
// run on, sets no Landlock rules and no rlimits, wants its seccomp filter compiled elsewhere, and fails where user
// namespaces are refused; here every layer is taken where the machine grants it, and isolation() says which ones hold.
//
// Layers: user, pid, mount, network, IPC and UTS namespaces with a root of their own in which only the named paths
// exist; Landlock rules on the same paths, no TCP, no signals and no abstract sockets out of the jail; a seccomp
// filter; rlimits; user nobody where we are root; no capabilities; no_new_privs. Where namespaces are refused,
// Landlock, seccomp and rlimits remain.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace kerf {

struct Jail {
  // Files and folders (with all below) that can be read and executed in the jail, under their own absolute paths. What
  // does not exist is left out. Nothing else of the host is visible.
  std::vector<std::string> read_only = {};
  // Folders that can be written, under their own paths. Where we are root their owner becomes the jail's user (nobody).
  // A file found there afterwards was written by untrusted code: open it without following links (read_untrusted).
  std::vector<std::string> writable = {};
  std::size_t tmp_bytes = std::size_t{64} << 20;  // a private /tmp (and TMPDIR) of at most this size; 0: none
  bool proc = false;                              // mount a /proc of the jail's own processes
  // Limits of each process; 0: none. Core dumps are always off.
  std::size_t address_space = 0;  // bytes
  std::size_t file_size = 0;      // bytes
  int cpu_seconds = 0;
  int processes = 0;  // processes and threads in the jail together
};

// `command` as it must be started to run in the jail: descriptors, environment and input pass through.
// `command.argv[0]` must be an absolute path that the jail can read. A jail that cannot be set up ends with exit code
// jail_failed and one line on standard error; a program that a signal ends ends the launcher by the same signal.
[[nodiscard]] Result<Command> jailed(const Jail& jail, Command command);
// The same with the launcher named (tests, installations elsewhere).
[[nodiscard]] Command jailed(const std::filesystem::path& launcher, const Jail& jail, Command command);

inline constexpr int jail_failed = 125;

// The launcher itself: what a binary's main runs when argv[1] is "--jail". `argv` are all of main's arguments. Returns
// the exit code, after the program has ended. Must be called before any thread exists.
[[nodiscard]] int jail_main(std::span<char*> argv);

// Which layers hold on this machine, by trying from inside a jail what each must prevent: one line a layer, "pid
// namespace" or "unavailable: pid namespace (Operation not permitted)". Starts a process (10 ms), the answer does not
// change while kerf runs: ask once.
[[nodiscard]] Result<std::vector<std::string>> isolation();

// A regular file of at most `limit` bytes, links not followed.
[[nodiscard]] Result<std::string> read_untrusted(const std::filesystem::path& path, std::size_t limit);

// The spec as it travels on the command line (JSON), and back. Exposed for tests.
[[nodiscard]] std::string to_json(const Jail& jail);
[[nodiscard]] Result<Jail> jail_from_json(const std::string& text);

}  // namespace kerf
