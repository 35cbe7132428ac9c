// Model calls against a local server: what 64 in flight cost the engine, how fast a cancel is, whether memory stays
// flat over 10,000 calls that are recorded in a store. Prints its figures; exits 1 when one misses its goal.
//   ninja -C build model_bench && build/model_bench tests/integration/model_server.py
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/http.h"
#include "base/paths.h"
#include "base/process.h"
#include "store/store.h"
#include "synthesize/model/make_model.h"
#include "synthesize/model/recording.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using Clock_ = std::chrono::steady_clock;

constexpr int in_flight = 64;
constexpr int calls = 10'000;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

long resident_kb() {
  const std::string text = read_file("/proc/self/status").value_or("VmRSS: 0");
  return std::strtol(text.c_str() + text.find("VmRSS:") + 6, nullptr, 10);
}

struct Bench {
  std::unique_ptr<Loop> loop = make_loop(1).value();
  std::unique_ptr<Http> http = make_http(*loop).value();
  FakeKeys keys;
  Prices prices;
  SystemClock clock;
  std::string server;

  std::unique_ptr<Model> model(const std::string& scenario) {
    return make_model("openai/local", {*loop, *http, keys, prices, clock, Random(1)},
                      {.base_url = server + "/" + scenario + "/v1"})
        .value();
  }
};

// A session of a store, as far as a model sees one.
struct StoreLog final : ExchangeLog {
  Store& store;
  std::unique_ptr<SessionWriter> writer;
  explicit StoreLog(Store& s) : store(s) {
    NewSession session;
    session.task.problem = {.id = "bench/1"};
    writer = store.create(session).value();
  }
  Result<> keep(const Exchange& exchange) override { return writer->keep(exchange); }
  [[nodiscard]] Result<std::optional<Exchange>> find(Purpose purpose) override {
    return store.exchange(writer->id(), purpose);
  }
};

ModelRequest request(int i) {  // of a usual size: 20 kB of prompt
  return {.purpose = {.expansion = static_cast<std::uint64_t>(i)},
          .system = {{.text = std::string(16'000, 's'), .cache = true}},
          .messages = {{.parts = {{.text = std::string(4'000, 'u')}}}}};
}

// Keeps `in_flight` calls going until `total` have ended or `limit` has passed. The number that ended; errors abort.
int keep_going(Bench& bench, Model& model, int total, milliseconds limit, const std::function<void(int)>& ended) {
  int begun = 0, done = 0;
  bool over = false;
  std::function<void()> next = [&] {
    if (over || begun == total) return;
    model.complete(request(begun++), [&](Result<ModelReply> reply) {
      if (!reply) {
        fmt::print(stderr, "model_bench: {}\n", reply.error().message);
        std::exit(2);
      }
      ended(++done);
      if (done == total || over)
        bench.loop->stop();
      else
        next();
    });
  };
  for (int i = 0; i < in_flight; ++i) next();
  bench.loop->after(limit, [&] {
    over = true;
    bench.loop->stop();
  });
  bench.loop->run();
  return done;
}

bool report(const char* what, const std::string& figure, bool met) {
  fmt::print("{:<62} {:>16}   {}\n", what, figure, met ? "" : "MISSED");
  return met;
}

int run_bench(const std::string& script) {
  const auto folder = TemporaryDirectory::create("kerf-bench").value();
  const std::string ports = (folder.path() / "ports").string();
  const auto process = Process::start({.argv = {python(), script, ports}, .environment = clean_environment()}, 2);
  if (!process) {
    fmt::print(stderr, "model_bench: {}\n", process.error().message);
    return 2;
  }
  for (int i = 0; i < 500 && !std::filesystem::exists(ports); ++i) std::this_thread::sleep_for(milliseconds(20));
  Bench bench;
  bench.server = "http://127.0.0.1:" + read_file(ports).value();
  const auto store = open_store((folder.path() / "kerf.db").string(), bench.clock).value();
  const Note ignore = [](const std::string&) {};
  bool good = true;

  {  // replies of about 1.5 s in 6 pieces: the engine waits, as it does for real models, only more busily
    StoreLog log(*store);
    const auto model = std::make_unique<RecordingModel>(bench.model("slow"), log, ignore);
    const double cpu = cpu_seconds();
    const auto start = Clock_::now();
    const int done = keep_going(bench, *model, 1'000'000, milliseconds(20'000), [](int) {});
    const double wall = std::chrono::duration<double>(Clock_::now() - start).count();
    const double share = (cpu_seconds() - cpu) / wall;
    good =
        report(fmt::format("engine with {} calls in flight, {:.0f} recorded replies a second", in_flight, done / wall)
                   .c_str(),
               fmt::format("{:.2f} % of a core", share * 100), share < 0.05) &&
        good;
  }
  {  // all of them, in the middle of their streams
    const auto model = bench.model("slow");
    std::vector<Model::Ticket> tickets;
    for (int i = 0; i < in_flight; ++i) tickets.push_back(model->complete(request(i), [](auto) { std::exit(3); }));
    double all_ms = 0, worst_ms = 0;
    bench.loop->after(milliseconds(600), [&] {
      const auto start = Clock_::now();
      for (const Model::Ticket ticket : tickets) {
        const auto one = Clock_::now();
        model->cancel(ticket);
        worst_ms = std::max(worst_ms, std::chrono::duration<double, std::milli>(Clock_::now() - one).count());
      }
      all_ms = std::chrono::duration<double, std::milli>(Clock_::now() - start).count();
    });
    bench.loop->run();
    good = report(fmt::format("cancel of {} calls (the slowest took {:.2f} ms)", in_flight, worst_ms).c_str(),
                  fmt::format("{:.2f} ms", all_ms), all_ms < 100) &&
           good;
  }
  {
    StoreLog log(*store);
    const auto model = std::make_unique<RecordingModel>(bench.model("fast"), log, ignore);
    long early = 0, last = 0;
    const double cpu = cpu_seconds();
    const auto start = Clock_::now();
    const int done = keep_going(bench, *model, calls, milliseconds(100'000), [&](int n) {
      if (n == calls / 10) early = resident_kb();
      if (n == calls) last = resident_kb();
    });
    const double wall = std::chrono::duration<double>(Clock_::now() - start).count();
    good = report(fmt::format("memory after {} recorded calls against after {}", done, calls / 10).c_str(),
                  fmt::format("{:+} KiB of {}", last - early, early), done == calls && last - early < 2048) &&
           good;
    report(fmt::format("engine time a recorded call ({:.0f} calls a second)", done / wall).c_str(),
           fmt::format("{:.0f} us", (cpu_seconds() - cpu) / done * 1e6), true);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) { return kerf::run_bench(argc > 1 ? argv[1] : "tests/integration/model_server.py"); }
