#include "target/nvidia/triton_worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <system_error>

#include "base/channel.h"
#include "base/jail.h"
#include "base/paths.h"
#include "base/process.h"
#include "problem/json_fields.h"
#include "target/nvidia/python_worker.h"

namespace kerf {

using json = nlohmann::json;

namespace {

constexpr int compile_seconds = 60;

constexpr PythonWorkerOptions compiler{.script = "workers/triton_worker.py",
                                       .purpose = "compiles candidates in triton and gluon",
                                       .cpu_seconds = compile_seconds};

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f; }, ' ');
  return text.substr(0, 500);
}

Error compile_error(std::string message, std::optional<Location> at = {}, const char* rule = "compile_error") {
  return {.kind = ErrorKind::candidate,
          .message = std::move(message),
          .at = at,
          .facts = {{"verdict", "compile_error"}, {"rule", rule}}};
}

Error error_of(const json& error) {
  std::optional<Location> at;
  const auto number = [&](const char* key) {
    const auto found = error.find(key);
    constexpr int most = 1'000'000;
    return found != error.end() && found->is_number_integer() && *found > 0 && *found < most ? found->get<int>() : 0;
  };
  if (const int line = number("line"); line > 0) at = Location{line, std::max(1, number("column"))};
  return compile_error(printable(error.value("message", "Triton refuses the source")), at);
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes(text.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr int hexadecimal = 16;
    unsigned value = 0;
    const char* end = text.data() + 2 * i + 2;
    if (std::from_chars(end - 2, end, value, hexadecimal).ptr != end) return std::nullopt;
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}

class Loaded final : public LoadedTriton {
 public:
  explicit Loaded(std::unique_ptr<PythonWorker> worker) : worker_(std::move(worker)) {}

  Result<> load(const std::string& text) {
    const json answer = TRY(ask({{"text", text}}));
    return understood([&]() -> Result<> {
      for (const auto& [name, kernel] : answer.at("kernels").items()) {
        TritonKernel& known = kernels_[name];
        known.line = kernel.at("line").is_number_integer() ? kernel.at("line").get<int>() : 0;
        for (const auto& parameter : kernel.at("parameters"))
          known.parameters.push_back(
              {.name = parameter.at("name").get<std::string>(), .constant = parameter.at("constexpr").get<bool>()});
      }
      return {};
    });
  }

  [[nodiscard]] const std::map<std::string, TritonKernel>& kernels() const override { return kernels_; }

  Result<std::vector<TritonOutput>> compile(std::span<const TritonJob> jobs, int architecture) override {
    json launches = json::array();
    for (const TritonJob& job : jobs) launches.push_back(to_json(job));
    return compiled(TRY(ask({{"launches", std::move(launches)}, {"architecture", architecture}})), jobs.size());
  }

  Result<std::vector<TritonOutput>> compile_ir(const std::vector<std::string>& ttgir, int num_warps,
                                               int architecture) override {
    json sources = json::array();
    for (const std::string& text : ttgir) sources.push_back({{"ttgir", text}, {"num_warps", num_warps}});
    return compiled(TRY(ask({{"sources", std::move(sources)}, {"architecture", architecture}})), ttgir.size());
  }

 private:
  Result<std::vector<TritonOutput>> compiled(const json& answer, std::size_t wanted) {
    std::vector<TritonOutput> outputs;
    TRY(understood([&]() -> Result<> {
      for (const auto& each : answer.at("compiled")) {
        auto cubin = from_hex(each.at("cubin").get_ref<const std::string&>());
        if (!cubin) return fail(ErrorKind::system, "a cubin that is no text of hexadecimal digits");
        TritonOutput output{.cubin = *std::move(cubin),
                            .ptx = each.at("ptx").get<std::string>(),
                            .symbol = each.at("symbol").get<std::string>(),
                            .ttgir = each.value("ttgir", std::string()),
                            .num_warps = each.at("num_warps").get<int>(),
                            .num_ctas = each.at("num_ctas").get<int>(),
                            .shared_bytes = each.at("shared_bytes").get<std::int64_t>(),
                            .scratch = {}};
        for (const auto& s : each.at("scratch"))
          output.scratch.push_back(
              {.bytes = s.at("bytes").get<std::int64_t>(), .alignment = s.at("alignment").get<std::int64_t>()});
        outputs.push_back(std::move(output));
      }
      return {};
    }));
    if (outputs.size() != wanted)
      return fail(ErrorKind::system, "the process that compiles Triton answered something else than it was asked");
    return outputs;
  }

  // The process ran the candidate's text: what it says may be anything.
  template <class F>
  Result<> understood(F read) {
    try {
      return read();
    } catch (const json::exception& error) {
      return fail(ErrorKind::system,
                  std::string("the process that compiles Triton is not understood: ") + error.what());
    }
  }

  Result<json> ask(const json& question) {
    auto sent = worker_->channel.send(question.dump(-1, ' ', false, json::error_handler_t::replace));
    auto message = sent ? worker_->channel.receive(std::chrono::seconds(2 * compile_seconds))
                        : Result<ChannelMessage>(std::unexpected(sent.error()));
    if (!message) {
      worker_->process.kill();
      if (message.error().kind == ErrorKind::cancelled)
        return std::unexpected(compile_error(
            fmt::format("compiling takes longer than {} s: make the source smaller (unrolling, tile sizes)",
                        2 * compile_seconds),
            {}, "compile_limit"));
      return std::unexpected(compile_error("Triton crashed over this source, or ran out of its limits: simplify it"));
    }
    json answer = read_json(message->body);
    if (!answer.is_object()) return fail(ErrorKind::system, "the process that compiles Triton is not understood");
    if (answer.contains("error") && answer["error"].is_object()) return std::unexpected(error_of(answer["error"]));
    return answer;
  }

  std::unique_ptr<PythonWorker> worker_;
  std::map<std::string, TritonKernel> kernels_;
};

}  // namespace

json to_json(const TritonJob& job) {
  json constants = json::object(), options = {{"num_warps", job.num_warps}};
  for (const auto& [name, value] : job.constants) constants[name] = to_json(value);
  if (job.num_stages) options["num_stages"] = *job.num_stages;
  return {{"kernel", job.kernel},
          {"signature", job.signature},
          {"constexprs", std::move(constants)},
          {"divisible", job.divisible_16},
          {"options", std::move(options)}};
}

// Whoever finds none has another one started for the next: there come to be as many as were ever wanted at a time.
struct TritonWorkers::Spare {
  std::mutex mutex;
  std::deque<std::unique_ptr<PythonWorker>> workers;  // the oldest first
};

TritonWorkers::TritonWorkers(int processes) : spare_(std::make_unique<Spare>()), processes_(std::max(1, processes)) {}
TritonWorkers::~TritonWorkers() = default;

Result<std::unique_ptr<TritonWorkers>> TritonWorkers::start(int processes) {
  auto workers = std::unique_ptr<TritonWorkers>(new TritonWorkers(processes));
  auto first = TRY(start_python_worker(compiler));
  workers->version_ = "Triton " + printable(TRY(await_ready(compiler, *first)));
  workers->spare_->workers.push_back(std::move(first));
  return workers;
}

Result<std::unique_ptr<LoadedTriton>> TritonWorkers::load(const std::string& text) {
  std::unique_ptr<PythonWorker> worker;
  {
    const std::scoped_lock lock(spare_->mutex);
    if (!spare_->workers.empty()) {
      worker = std::move(spare_->workers.front());
      spare_->workers.pop_front();
    }
  }
  if (!worker) worker = TRY(start_python_worker(compiler));
  if (!worker->ready) TRY(await_ready(compiler, *worker));
  auto loaded = std::make_unique<Loaded>(std::move(worker));
  TRY(loaded->load(text));
  auto next = TRY(start_python_worker(compiler));
  const std::scoped_lock lock(spare_->mutex);
  spare_->workers.push_back(std::move(next));
  return loaded;
}

Result<std::vector<TritonOutput>> TritonWorkers::compile(const std::string& text, LoadedTriton& loaded,
                                                         std::span<const TritonJob> jobs, int architecture) {
  constexpr std::size_t least = 4;  // jobs that are worth a process of their own: Triton is imported in it first
  const std::size_t parts = std::clamp<std::size_t>(jobs.size() / least, 1, static_cast<std::size_t>(processes_));
  const auto begin_of = [&](std::size_t part) { return jobs.size() * part / parts; };
  std::vector<Result<std::vector<TritonOutput>>> done(parts);
  const auto compile_part = [&](std::size_t part, LoadedTriton& by) {
    done[part] = by.compile(jobs.subspan(begin_of(part), begin_of(part + 1) - begin_of(part)), architecture);
  };
  {
    std::vector<std::jthread> beside;
    for (std::size_t part = 1; part < parts; ++part) {
      beside.emplace_back([&, part] {
        const auto own = load(text);
        if (own) {
          compile_part(part, **own);
        } else {
          done[part] = std::unexpected(own.error());
        }
      });
    }
    compile_part(0, loaded);
  }
  std::vector<TritonOutput> outputs;
  for (auto& each : done) std::ranges::move(TRY(std::move(each)), std::back_inserter(outputs));
  return outputs;
}

}  // namespace kerf
