#include "evaluate/oracle_connection.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "evaluate/oracle_process.h"
#include "problem/json_fields.h"

namespace kerf {

using std::chrono::milliseconds;
using Json = nlohmann::json;

namespace {

ErrorKind kind_from(std::string_view name) {
  for (const auto kind :
       {ErrorKind::user, ErrorKind::candidate, ErrorKind::unavailable, ErrorKind::cancelled, ErrorKind::system}) {
    if (name == to_string(kind)) return kind;
  }
  return ErrorKind::internal;
}

// What the oracle keeps on a device for the next memory of its size stands in the way of something else.
bool needs_room(const Json& reply) { return reply.is_object() && reply.contains("needs_room"); }

int threads_of(const OracleOptions& options) {
  if (options.threads > 0) return options.threads;
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

OracleConnection::OracleConnection(const OracleOptions& options, std::function<std::vector<Json>()> again)
    : options_(options), again_(std::move(again)) {}

Result<Json> OracleConnection::call(const Json& request, std::span<const int> fds, milliseconds limit,
                                    const std::string& file) {
  TRY(start());
  Json reply = TRY(exchange(request, fds, limit, file));
  if (!needs_room(reply)) return reply;
  TRY(free_spares());
  reply = TRY(exchange(request, fds, limit, file));
  if (needs_room(reply)) return fail(ErrorKind::internal, "the oracle freed what nobody uses, and asks for it again");
  return reply;
}

int OracleConnection::child() { return process_.running() ? children_ : 0; }

Result<> OracleConnection::free_spares() {
  close_elsewhere();
  TRY(exchange({{"do", "free_spares"}}, {}, options_.call_limit, {}));
  return {};
}

void OracleConnection::close_elsewhere() const {
  if (options_.before_free) options_.before_free();
}

Json OracleConnection::versions() {
  if (!versions_.is_object()) (void)start();
  return versions_;
}

Result<Json> OracleConnection::exchange(const Json& request, std::span<const int> fds, milliseconds limit,
                                        const std::string& file) {
  std::string phase = "answering";
  const auto gone = [&](std::string_view how) {
    stop();
    Error error{.kind = file.empty() ? ErrorKind::system : ErrorKind::user,
                .message = file.empty() ? fmt::format("the oracle {} while {}", how, phase)
                                        : fmt::format("{}: the oracle {} while {}; correct the file or make its sizes "
                                                      "smaller with --set NAME=VALUE",
                                                      file, how, phase)};
    error.facts.emplace_back("oracle", "restarted");
    return std::unexpected(std::move(error));
  };
  const auto text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (auto sent = channel_.send(text, fds); !sent) return gone(how_it_ended());
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    auto message = channel_.receive(std::max(left, milliseconds(0)));
    if (!message && message.error().kind == ErrorKind::cancelled) {
      stop();
      const auto what = fmt::format("{} never ended (stopped after {} s)", phase, limit.count() / 1000);
      if (file.empty()) return fail(ErrorKind::system, "the oracle: " + what);
      return user_error(
          fmt::format("{}: {}; correct the file or make its sizes smaller with --set NAME=VALUE", file, what));
    }
    if (!message) return gone(how_it_ended());
    Json reply = TRY(parse_json(message->body, "the oracle's answer"));
    if (reply.contains("phase")) {
      phase = TRY(text_field(reply, "phase"));
      continue;
    }
    if (reply.contains("error")) {
      const Json& error = reply["error"];
      return fail(kind_from(TRY(text_field(error, "kind"))), TRY(text_field(error, "message")));
    }
    if (needs_room(reply)) return reply;
    const auto* answer = TRY(field(reply, "ok"));
    return *answer;
  }
}

std::string OracleConnection::how_it_ended() {
  for (int i = 0; i < 100 && process_.running(); ++i) std::this_thread::sleep_for(milliseconds(10));
  if (process_.running()) return "closed its connection";
  return fmt::format("ended ({})", process_.describe_end());
}

void OracleConnection::stop() {
  process_.kill();
  close_elsewhere();
  channel_ = Channel();
}

Result<> OracleConnection::start() {
  if (channel_ && process_.running()) return {};
  stop();
  OracleProcess started = TRY(start_oracle_process(options_, threads_of(options_), 1));
  process_ = std::move(started.process);
  channel_ = std::move(started.channel);
  ++children_;
  const auto pages = static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto memory = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 4 * 3;
  Json hello{{"do", "hello"},
             {"protocol", oracle_protocol},
             {"threads", threads_of(options_)},
             {"memory_limit", options_.memory_limit > 0 ? options_.memory_limit : memory},
             {"tf32", options_.tf32}};
  if (!options_.device.empty()) {
    hello["device"] = options_.device;
    hello["flush_bytes"] = options_.flush_bytes;
    hello["graph"] = options_.graph;
    hello["lock"] = options_.lock;
  }
  const auto begun = std::chrono::steady_clock::now();
  auto greeted = exchange(hello, {}, options_.start_limit, {});
  if (!greeted) {
    stop();
    Error error = std::move(greeted).error();
    if (error.kind == ErrorKind::system) {
      error.kind = ErrorKind::unavailable;
      if (std::chrono::steady_clock::now() - begun >= options_.start_limit) {
        error.message = fmt::format(
            "{} did not start PyTorch within {} s: this machine does too much else, or its disk is slow; try again "
            "later",
            started.python, options_.start_limit.count() / 1000);
      } else {
        error.message =
            fmt::format("{} does not run kerf's oracle ({}): run make setup, or {} -m pip install torch==2.13.0",
                        started.python, error.message, started.python);
      }
    }
    return std::unexpected(std::move(error));
  }
  if (greeted->contains("versions")) versions_ = (*greeted)["versions"];
  for (const Json& request : again_()) TRY(exchange(request, {}, options_.call_limit, {}));
  return {};
}

}  // namespace kerf
