#include "app/run_session.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/console.h"
#include "app/exit.h"
#include "app/exporting.h"
#include "app/live_view.h"
#include "app/words.h"
#include "base/paths.h"
#include "candidate/extension.h"
#include "store/records.h"

namespace kerf {

namespace {

extern "C" void die_of_interrupt(int) { leave_now(); }

}  // namespace

Result<StoredSession> take_up(Store& store, const std::string& id) {
  const Found found = TRY(store.find(id));
  if (TRY(store.busy(found.session))) return busy_session(found.session);
  StoredSession taken{.record = TRY(store.session(found.session))};
  taken.choices = TRY(session_options_from_json(taken.record.options));
  taken.problem = TRY(store.task(taken.record.task)).problem;
  return taken;
}

std::unique_ptr<ProgressView> make_progress_view(Wiring& wiring, const std::string& choice) {
  const Output output = [](std::string_view text) { print_error(text); };
  if (choice == "none") return std::make_unique<SilentView>();
  if (choice == "json") return std::make_unique<JsonView>(output);
  const Terminal terminal = standard_error_terminal();
  if (choice == "plain" || !terminal.interactive) return std::make_unique<PlainView>(wiring.clock(), output);
  return std::make_unique<LiveView>(wiring.loop(), wiring.clock(), terminal, output);
}

SessionResult run_among_others(Wiring& wiring, Session& session) {
  SessionResult result;
  int interrupts = 0;
  wiring.loop().on_interrupt([&] {
    if (++interrupts > 1) leave_now();
    session.interrupt();
  });
  session.run([&](const SessionResult& r) {
    result = r;
    wiring.loop().stop();
  });
  wiring.loop().run();
  return result;
}

SessionResult run_to_end(Wiring& wiring, Session& session) {
  SessionResult result = run_among_others(wiring, session);
  die_on_interrupt();
  return result;
}

void leave_now() {
  restore_terminal();
  std::_Exit(exit_interrupted);
}

void die_on_interrupt() {
  std::signal(SIGINT, die_of_interrupt);
  std::signal(SIGTERM, die_of_interrupt);
}

Result<> write_files(Report& report, const Understood& problem, const std::string& asked) {
  const SessionResult& r = report.result;
  std::filesystem::path folder = asked;
  if (folder.empty()) {
    std::string name = problem.problem.id;
    for (char& c : name) c = c == '/' ? '-' : c;
    folder = std::filesystem::path("kerf-out") / fmt::format("{}-{}", name, r.session);
  }
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  const auto kept = [&](const std::string& why) {
    return user_error(fmt::format("{}; the session is kept, kerf export {} hands it over", why, r.session));
  };
  if (code) return kept(fmt::format("cannot create {} ({})", folder.string(), code.message()));
  report.folder = folder.string();
  // The report names what was written, and itself.
  const auto write = [&](const std::string& name, const std::string& text) -> Result<> {
    const auto path = folder / name;
    if (const auto written = write_file(path, text); !written) return kept(written.error().message);
    report.files.push_back(path.string());
    return {};
  };
  if (r.reference) {
    TRY(write("model_new.py", reference_module(problem.problem)));
  } else if (r.best && !r.reference) {
    const SessionNode& node = (*report.nodes)[static_cast<std::size_t>(*r.best)];
    TRY(write(fmt::format("kernel{}", extension(node.proposal.candidate.language)), node.proposal.candidate.text));
    if (!problem.workloads.empty()) {
      const auto module = exported(ExportFormat::pytorch, r.session, node, problem.problem, problem.workloads.front());
      if (module)
        TRY(write("model_new.py", *module));
      else
        print_error(fmt::format("kerf: no model_new.py: {}\n", one_line(module.error().message)));
    }
    TRY(write("receipt.json", to_json(node.best_known()).dump(2) + "\n"));
  }
  Report whole = report;
  for (const char* name : {"report.json", "report.md"}) whole.files.push_back((folder / name).string());
  TRY(write("report.json", report_json(whole).dump(2) + "\n"));
  return write("report.md", report_markdown(whole));
}

void leave_soon(int code) {
  std::thread([code] {
    std::this_thread::sleep_for(std::chrono::seconds(3));
    restore_terminal();
    std::_Exit(code);
  }).detach();
}

}  // namespace kerf
