#include "target/nvidia/python_worker.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/jail.h"
#include "base/paths.h"
#include "problem/json_fields.h"

namespace kerf {

namespace fs = std::filesystem;
using json = nlohmann::json;

namespace {

constexpr std::chrono::milliseconds start_limit{60'000};

// The interpreter as the jail must see it: a virtual environment under its real path, and the installation that its
// links lead to.
struct Interpreter {
  std::string program;
  std::vector<std::string> folders;
};

Interpreter interpreter() {
  std::error_code code;
  std::string named = python();
  if (named.find('/') == std::string::npos) named = find_program(named).value_or(named);
  const fs::path folder = fs::canonical(fs::path(named).parent_path().parent_path(), code);
  if (code) return {.program = named, .folders = {}};
  const fs::path program = folder / "bin" / fs::path(named).filename();
  Interpreter found{.program = program.string(), .folders = {}};
  for (const fs::path& prefix : {folder, fs::canonical(program, code).parent_path().parent_path()}) {
    if (prefix == "/usr" || prefix == "/usr/local") {
      found.folders.insert(found.folders.end(), {"/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib"});
    } else if (prefix != prefix.root_path()) {
      found.folders.push_back(prefix.string());
    }
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<PythonWorker>> start_python_worker(const PythonWorkerOptions& options) {
  auto [ours, theirs] = TRY(Channel::pair());
  const fs::path script = TRY(shipped(options.script));
  const Interpreter used = interpreter();
  constexpr int fd_in_child = 3;
  Command command{.argv = {used.program, "-I", script.string()},
                  .environment = {{"PATH", "/usr/bin:/bin"},
                                  {"LC_ALL", "C.UTF-8"},
                                  {"HOME", "/tmp"},
                                  {"PYTHONDONTWRITEBYTECODE", "1"},
                                  {"TRITON_CACHE_DIR", "/tmp/triton"},
                                  {"TRITON_DEFAULT_FP_FUSION", "1"}},
                  .directory = "/",
                  .inherit = {{fd_in_child, theirs.fd()}}};
  if (options.interpret) command.environment["TRITON_INTERPRET"] = "1";
  Jail jail{.read_only = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/bin", "/usr/bin",
                          script.string()},
            .tmp_bytes = std::size_t{512} << 20,
            .proc = false,
            .address_space = std::size_t{16} << 30,
            .file_size = std::size_t{256} << 20,
            .cpu_seconds = options.cpu_seconds,
            .processes = 64};
  jail.read_only.insert(jail.read_only.end(), used.folders.begin(), used.folders.end());
  command = TRY(jailed(jail, std::move(command)));
  auto worker = std::make_unique<PythonWorker>();
  worker->process = TRY(Process::start(command));
  worker->channel = std::move(ours);
  {
    const Channel closed = std::move(theirs);
  }
  return worker;
}

Result<std::string> await_ready(const PythonWorkerOptions& options, PythonWorker& worker) {
  worker.ready = true;
  const auto first = worker.channel.receive(start_limit);
  if (!first) {
    return fail(
        ErrorKind::unavailable,
        fmt::format(
            "unavailable: Triton, which {}, does not start ({}): {} -m pip install triton==3.9.0 (needs no GPU)",
            options.purpose, worker.process.running() ? first.error().message : worker.process.describe_end(),
            python()));
  }
  const auto message = read_json(first->body);
  if (!message.is_object() || !message.contains("ready") || !message["ready"].is_string())
    return fail(ErrorKind::system, "the process of Triton says something else than that it is ready");
  return message["ready"].get<std::string>();
}

}  // namespace kerf
