// kerf worker run: judges what another machine packed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/elsewhere.h"
#include "app/exit.h"
#include "app/report.h"
#include "app/run_session.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/process.h"
#include "fleet/bundle.h"
#include "target/target.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// Models of the NVIDIA GPUs, in the driver's order.
std::vector<std::string> gpus() {
  std::vector<std::string> models;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc/driver/nvidia/gpus", code)) {
    std::ifstream stream(entry.path() / "information");
    for (std::string line; std::getline(stream, line);) {
      constexpr std::string_view key = "Model:";
      if (!line.starts_with(key)) continue;
      const auto at = line.find_first_not_of(" \t", key.size());
      if (at != line.npos) models.push_back(line.substr(at));
    }
  }
  std::ranges::sort(models);
  return models;
}

// Which machine it is: nothing in it changes from one run to the next.
nlohmann::json machine_json() {
  const MachineFacts machine = detect_machine();
  return {
      {"identity", machine_identity(machine)}, {"model", machine.model}, {"cores", usable_cores()}, {"gpus", gpus()}};
}

// The file of results, open for appending and locked as long as this lives.
class ResultsFile {
 public:
  // What stands there is kept if it is of this bundle, from this machine; a line that was only begun is taken off.
  static Result<ResultsFile> open(const fs::path& path, const ResultsHead& head) {
    ResultsFile file;
    const auto refuse = [&path](int error) {
      return user_error(fmt::format("cannot write {} ({})", path.string(), std::generic_category().message(error)));
    };
    file.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!file.fd_) return refuse(errno);
    if (::flock(file.fd_.get(), LOCK_EX | LOCK_NB) != 0)
      return user_error(fmt::format("another kerf worker writes to {}", path.string()));
    const std::string text = TRY(read_bounded(path.string(), max_bundle_bytes));
    const std::string first = TRY(to_line(head));
    if (first.starts_with(text)) {  // empty, or killed within the first line
      if (::ftruncate(file.fd_.get(), 0) != 0) return refuse(errno);
      file.path_ = path;
      TRY(file.append(first));
      return file;
    }
    auto results = results_from_text(text);
    if (!results) return user_error(fmt::format("{}: {}", path.string(), results.error().message));
    if (results->head.bundle != head.bundle)
      return user_error(fmt::format("{} holds the results of another bundle: give another --out", path.string()));
    if (results->head != head)
      return user_error(
          fmt::format("{} was begun on another machine or with other versions: give another --out", path.string()));
    if (::ftruncate(file.fd_.get(), static_cast<off_t>(results->whole)) != 0) return refuse(errno);
    file.path_ = path;
    file.results_ = std::move(results->results);
    return file;
  }

  Result<> add(const BundleResult& result) {
    const std::string line = TRY(to_line(result));
    TRY(append(line));
    results_.push_back(result);
    return {};
  }
  [[nodiscard]] const std::vector<BundleResult>& results() const { return results_; }

 private:
  ResultsFile() = default;
  Result<> append(std::string_view line) {
    while (!line.empty()) {
      const ssize_t n = ::write(fd_.get(), line.data(), line.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        return user_error(fmt::format("cannot write {} ({})", path_.string(), std::generic_category().message(errno)));
      line.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }
  Fd fd_;
  fs::path path_;
  std::vector<BundleResult> results_;
};

// Judges what is not yet among the results, a few at a time, so that results come steadily.
class Batch {
 public:
  Batch(Wiring& wiring, std::shared_ptr<const Understood> problem, const Bundle& bundle, ResultsFile& file, int window)
      : wiring_(wiring), problem_(std::move(problem)), bundle_(bundle), file_(file), window_(window) {
    std::vector<bool> known(bundle.items.size(), false);
    for (const BundleResult& result : file.results()) {
      if (result.item < known.size()) known[result.item] = true;
    }
    for (std::size_t i = bundle.items.size(); i-- > 0;) {
      if (!known[i]) left_.push_back(i);
    }
    wanted_ = left_.size();
  }

  void run() {
    Loop& loop = wiring_.loop();
    started_ = told_at_ = wiring_.clock().now();
    loop.on_interrupt([this, &loop] {
      interrupted_ = true;
      wiring_.evaluator().cancel_all();
      loop.stop();
    });
    fill();
    if (in_flight_ > 0) loop.run();
  }

  [[nodiscard]] bool interrupted() const { return interrupted_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }  // that ended it
  [[nodiscard]] const std::optional<Error>& lost() const { return lost_error_; }
  [[nodiscard]] std::size_t judged() const { return judged_; }
  [[nodiscard]] std::size_t lost_count() const { return lost_; }

 private:
  void fill() {
    while (!left_.empty() && in_flight_ < window_ && !error_ && !interrupted_) {
      const std::size_t i = left_.back();
      left_.pop_back();
      ++in_flight_;
      const BundleItem& item = bundle_.items[i];
      wiring_.evaluator().submit(item.candidate,
                                 {.problem = problem_,
                                  .effort = item.effort,
                                  .profile = item.profile,
                                  .traces = item.traces,
                                  .ncu = item.ncu,
                                  .remeasure = item.remeasure},
                                 [this, i](Result<Evaluation> evaluation) { done(i, std::move(evaluation)); });
    }
    if (in_flight_ == 0 || error_) wiring_.loop().stop();
  }

  void done(std::size_t i, Result<Evaluation> evaluation) {
    --in_flight_;
    if (interrupted_ || error_) return;
    const BundleItem& item = bundle_.items[i];
    if (evaluation) {
      const auto kept = file_.add(
          {.item = i, .effort = item.effort, .expansion = item.expansion, .evaluation = *std::move(evaluation)});
      if (!kept) error_ = kept.error();
      ++judged_;
    } else if (evaluation.error().kind == ErrorKind::unavailable || evaluation.error().kind == ErrorKind::user) {
      error_ = std::move(evaluation).error();  // what this machine lacks, it lacks for all of them
    } else {
      ++lost_;
      lost_error_ = std::move(evaluation).error();
    }
    say();
    fill();
  }

  void say() {
    constexpr std::chrono::seconds quiet{5};
    const Nanoseconds now = wiring_.clock().now();
    const std::size_t over = judged_ + lost_;
    if (over < wanted_ && now - told_at_ < quiet) return;
    told_at_ = now;
    const double left = seconds(now - started_) / static_cast<double>(over) * static_cast<double>(wanted_ - over);
    print_error(fmt::format("kerf: {} of {} judged{}{}\n", file_.results().size(), bundle_.items.size(),
                            lost_ > 0 ? fmt::format(", {} lost", lost_) : "",
                            over < wanted_ ? fmt::format(", about {} left", duration_words(left)) : ""));
  }

  Wiring& wiring_;
  std::shared_ptr<const Understood> problem_;
  const Bundle& bundle_;
  ResultsFile& file_;
  int window_;
  std::vector<std::size_t> left_;  // the next one last
  std::size_t wanted_ = 0, judged_ = 0, lost_ = 0;
  int in_flight_ = 0;
  Nanoseconds started_{0}, told_at_{0};
  bool interrupted_ = false;
  std::optional<Error> error_, lost_error_;
};

}  // namespace

Result<int> run_worker(const WorkerRunOptions& options) {
  const std::string text = TRY(read_bounded(options.bundle, max_bundle_bytes));
  auto read = bundle_from_text(text);
  if (!read) return user_error(fmt::format("{}: {}", options.bundle, read.error().message));
  const Bundle bundle = *std::move(read);
  fs::path out = options.out;
  if (out.empty()) out = fs::path(options.bundle).replace_extension(".results");
  std::error_code code;
  if (fs::equivalent(out, options.bundle, code)) return user_error("--out names the bundle itself");
  const int jobs = options.jobs > 0 ? options.jobs : usable_cores();
  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = jobs,
                                        .target = bundle.target,
                                        .devices = options.devices,
                                        .graph = bundle.graph}));
  const auto problem = TRY(understand(*wiring, bundle.problem));
  nlohmann::json versions = wiring->versions();
  versions.update(wiring->oracle().versions());
  ResultsFile file = TRY(ResultsFile::open(out, {.bundle = bundle.digest,
                                                 .session = bundle.session,
                                                 .target = bundle.target,
                                                 .machine = machine_json(),
                                                 .versions = std::move(versions)}));
  const std::size_t known = file.results().size();
  if (known > 0) print_error(fmt::format("kerf: {} of {} judged before\n", known, bundle.items.size()));
  Batch batch(*wiring, problem, bundle, file, 2 * jobs + 2);
  batch.run();
  if (batch.error()) return std::unexpected(*batch.error());
  if (batch.interrupted()) {
    print_error(fmt::format("kerf: interrupted after {} of {} candidates; the same command goes on with the rest\n",
                            file.results().size(), bundle.items.size()));
    leave_soon(exit_interrupted);
    return exit_interrupted;
  }
  if (options.common.json) {
    TRY(print(nlohmann::json{{"schema", 1},
                             {"bundle", bundle.digest},
                             {"results", out.string()},
                             {"items", bundle.items.size()},
                             {"judged", batch.judged()},
                             {"known", known},
                             {"lost", batch.lost_count()}}
                  .dump(2) +
              "\n"));
  } else {
    std::map<std::size_t, std::string> lines;
    for (const BundleResult& result : file.results()) {
      if (result.item < bundle.items.size())
        lines[result.item] =
            fmt::format("{}: {}\n", bundle.items[result.item].candidate.name, verdict_words(result.evaluation));
    }
    std::string all;
    for (const auto& [item, line] : lines) all += line;
    TRY(print(all));
  }
  if (batch.lost_count() > 0) {
    return fail(ErrorKind::system, fmt::format("{} could not be judged ({}); the same command tries them again",
                                               count_words(static_cast<std::int64_t>(batch.lost_count()), "candidate"),
                                               one_line(batch.lost()->message)));
  }
  print_error(bundle.session.empty()
                  ? fmt::format("kerf: results in {}\n", out.string())
                  : fmt::format("kerf: results in {}; take them in, where the session is, with: kerf tell {} {}\n",
                                out.string(), bundle.session, out.filename().string()));
  return exit_success;
}

}  // namespace kerf
