#include "target/nvidia/nvrtc.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <system_error>

#include <fmt/format.h>

#include "base/channel.h"
#include "base/jail.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/text.h"
#include "candidate/run_protocol.h"
#include "target/nvidia/libraries.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds start_limit{60'000}, slack{5'000};
constexpr std::size_t worker_memory = std::size_t{8} << 30;

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1 && !text.empty(); --line) {
    const std::size_t end = text.find('\n');
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

Result<fs::path> find_nvrtc() {
  if (const char* set = std::getenv("KERF_NVRTC"); set != nullptr && *set != '\0') {
    if (::access(set, R_OK) == 0) return fs::path(set);
    return fail(ErrorKind::unavailable, fmt::format("unavailable: KERF_NVRTC is {}, which cannot be read", set));
  }
  for (const fs::path& folder : nvidia_library_folders()) {
    if (auto library = newest_library(folder, "nvrtc"); !library.empty()) return library;
  }
  return fail(ErrorKind::unavailable,
              fmt::format("unavailable: NVRTC, which compiles CUDA C++, is not on this machine: {} -m pip install "
                          "'nvidia-cuda-nvrtc==13.0.*' (90 MB, needs no GPU), or set KERF_NVRTC to libnvrtc.so",
                          python()));
}

// candidate(12): error: identifier "foo" is undefined
//       foo(1);
//       ^
std::vector<CompilerMessage> read_nvrtc_log(std::string_view log, std::string_view candidate) {
  std::vector<CompilerMessage> messages;
  std::string_view shown;  // the line before the one at hand
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log = end == log.npos ? std::string_view{} : log.substr(end + 1);
    const std::size_t open = line.find('('), close = line.find("): ", open == line.npos ? 0 : open);
    int number = 0;
    if (open != line.npos && close != line.npos && open > 0 &&
        std::from_chars(line.data() + open + 1, line.data() + close, number).ptr == line.data() + close && number > 0) {
      std::string_view rest = line.substr(close + 3);
      const std::size_t colon = rest.find(": ");
      std::string_view severity = colon == rest.npos ? std::string_view{} : rest.substr(0, colon);
      if (severity.starts_with("warning")) severity = "warning";
      if (severity.starts_with("error")) severity = "error";
      if (severity.starts_with("catastrophic error")) severity = "fatal error";
      if (messages.size() < 256 && (severity == "error" || severity == "warning" || severity == "fatal error")) {
        messages.push_back({.file = std::string(line.substr(0, open)),
                            .at = {.line = number, .column = 1},
                            .severity = std::string(severity),
                            .text = std::string(rest.substr(colon + 2, 500))});
      }
    } else if (trimmed(line) == "^" && !messages.empty() && !trimmed(shown).empty() &&
               messages.back().file == candidate_file && messages.back().at.column == 1) {
      const std::string_view own = line_of(candidate, messages.back().at.line), bare = trimmed(own);
      const std::size_t caret = line.find('^'), from = shown.find(bare);
      if (bare.empty() || from == shown.npos || caret < from) continue;
      messages.back().at.column = static_cast<int>(caret - from + own.find(bare)) + 1;
    }
    shown = line;
  }
  return messages;
}

struct Nvrtc::Worker {
  Process process;
  Channel channel;
};

struct Nvrtc::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Worker>> idle;
};

Nvrtc::Nvrtc(fs::path library) : library_(std::move(library)), pool_(std::make_unique<Pool>()) {}
Nvrtc::~Nvrtc() = default;

Result<std::unique_ptr<Nvrtc>> Nvrtc::start(fs::path library) {
  auto nvrtc = std::unique_ptr<Nvrtc>(new Nvrtc(std::move(library)));
  auto worker = TRY(nvrtc->start_worker());
  nvrtc->pool_->idle.push_back(std::move(worker));
  return nvrtc;
}

Result<std::unique_ptr<Nvrtc::Worker>> Nvrtc::start_worker() {
  auto [ours, theirs] = TRY(Channel::pair());
  const std::string binary = TRY(runner_binary());
  std::error_code code;
  const fs::path real = fs::canonical(library_, code);
  const fs::path folder = (code ? library_ : real).parent_path();
  constexpr int fd_in_child = 3;
  Command command{.argv = {binary, "--nvrtc", std::to_string(fd_in_child), (code ? library_ : real).string()},
                  // Both kinds of libraries by name: without /proc there is no $ORIGIN in the jail.
                  .environment = {{"PATH", "/usr/bin:/bin"},
                                  {"LC_ALL", "C"},
                                  {"LD_LIBRARY_PATH", carried_libraries().string() + ":" + folder.string()}},
                  .directory = "/",
                  .inherit = {{fd_in_child, theirs.fd()}}};
  const Jail jail{.read_only = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", binary,
                                carried_libraries().string(), folder.string()},
                  .tmp_bytes = std::size_t{64} << 20,
                  .proc = false,
                  .address_space = worker_memory,
                  .file_size = std::size_t{256} << 20,
                  .processes = 64};
  command = TRY(jailed(jail, std::move(command)));
  auto worker = std::make_unique<Worker>();
  worker->process = TRY(Process::start(command, STDERR_FILENO));
  worker->channel = std::move(ours);
  {
    const Channel closed = std::move(theirs);
  }
  const auto first = worker->channel.receive(start_limit);
  if (!first) {
    return fail(ErrorKind::system,
                fmt::format("the CUDA compiler's process did not start: {}",
                            worker->process.running() ? first.error().message : worker->process.describe_end()));
  }
  const auto version = TRY(decode_number("ready", first->body));
  if (version_.empty()) version_ = fmt::format("NVRTC {}.{}", version / 1000, version % 1000);
  return worker;
}

Result<std::unique_ptr<Nvrtc::Worker>> Nvrtc::idle_worker() {
  {
    const std::scoped_lock lock(pool_->mutex);
    if (!pool_->idle.empty()) {
      auto worker = std::move(pool_->idle.back());
      pool_->idle.pop_back();
      return worker;
    }
  }
  return start_worker();
}

Result<NvrtcAnswer> Nvrtc::compile(const NvrtcRequest& request) {
  constexpr int attempts = 2;  // a worker may have died while it was idle
  for (int attempt = 1;; ++attempt) {
    auto worker = TRY(idle_worker());
    Result<ChannelMessage> message = fail(ErrorKind::system, "");
    auto sent = worker->channel.send(encode(request));
    if (sent) {
      message = worker->channel.receive(std::chrono::seconds(2 * request.cpu_seconds) + slack);
      if (!message && message.error().kind == ErrorKind::cancelled) {
        NvrtcAnswer late;
        late.died = "time";
        return late;  // the worker goes with its process
      }
    }
    if (message) {
      auto answer = TRY(decode_nvrtc_answer(message->body));
      const std::scoped_lock lock(pool_->mutex);
      pool_->idle.push_back(std::move(worker));
      return answer;
    }
    if (attempt == attempts)
      return fail(ErrorKind::system,
                  "the CUDA compiler's process ended: " + (sent ? message.error().message : sent.error().message));
  }
}

}  // namespace kerf
