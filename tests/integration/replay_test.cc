// A recorded session (tests/cases/sessions) gone through again: by the library, killed at random writes, and by the
// binary, killed with SIGKILL at random moments. Neither compiler nor PyTorch is there.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "app/run_session.h"
#include "app/wiring.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/random.h"
#include "session/recording.h"
#include "store/mortal_store.h"

namespace kerf {
namespace {

using testing::HasSubstr;

const std::string kerf_binary = std::string(KERF_BUILD) + "/kerf";
const std::string recording_file = std::string(KERF_CASES) + "/sessions/softsign_row_mean.jsonl";
constexpr std::chrono::minutes patience{10};

std::shared_ptr<const Recording> recorded() {
  static const std::shared_ptr<const Recording> recording = [] {
    const auto text = read_file(recording_file);
    EXPECT_TRUE(text) << text.error().message;
    auto read = recording_from_text(text.value_or(""));
    EXPECT_TRUE(read) << read.error().message;
    return read ? std::make_shared<const Recording>(*std::move(read)) : nullptr;
  }();
  return recording;
}

TEST(RecordedSession, HasWhatSessionsWithModelsHave) {
  const auto recording = recorded();
  ASSERT_TRUE(recording);
  std::map<std::string, int> verdicts;
  int wins = 0;
  for (const auto& [expansion, evaluation] : recording->evaluations) {
    ++verdicts[to_string(evaluation.verdict)];
    wins += is_win(evaluation) ? 1 : 0;
  }
  int edits = 0, corrections = 0, repairs = 0, nodes = 0;
  for (const Exchange& e : recording->exchanges) {
    edits += e.reply.text.find("<<<<<<< SEARCH") != std::string::npos ? 1 : 0;
    corrections += e.purpose.attempt > 0 ? 1 : 0;
    repairs += e.purpose.attempt == 0 && e.request["messages"].size() > 1 ? 1 : 0;
  }
  for (const SearchEvent& event : recording->script.events) {
    if (const auto* told = std::get_if<Told>(&event)) nodes += told->node ? 1 : 0;
  }
  EXPECT_GE(nodes, 40);
  EXPECT_GE(verdicts["compile_error"], 1);
  EXPECT_GE(verdicts["wrong"], 1);
  EXPECT_GE(wins, 1);
  EXPECT_GE(edits, 1);
  EXPECT_GE(corrections, 1);
  EXPECT_GE(repairs, 1);
}

// One process of kerf on `store`: as the command does it, with recorded replies and evaluations.
struct World {
  explicit World(Store& kept) : store(kept) {
    auto opened = Wiring::open({.store = ":memory:", .machine = false});
    EXPECT_TRUE(opened) << opened.error().message;
    wiring = *std::move(opened);
    options = recorded()->options;
    options.replayed = options.synthesizer;
    options.synthesizer = "replay:" + recording_file;
    options.recorded_evaluations = true;
  }
  // Killed after so many writes.
  SessionId process(const std::optional<SessionId>& resumed, int writes) {
    bool died = false;
    MortalStore mortal(store, writes, [&] {
      died = true;
      wiring->loop().stop();
    });
    auto made = wiring->session_parts(view, options, {.recording = recorded(), .answer = {}});
    EXPECT_TRUE(made) << made.error().message;
    SessionParts parts{.loop = made->loop,
                       .clock = made->clock,
                       .evaluator = made->evaluator,
                       .synthesizer = made->synthesizer,
                       .store = mortal,
                       .view = made->view,
                       .target_facts = made->target_facts,
                       .versions = made->versions,
                       .identity = made->identity};
    parts.exchanges = made->exchanges;
    parts.script = made->script;
    const auto problem = recorded()->problem_understood();
    auto session = resumed ? Session::resume(std::move(parts), *resumed, *problem, "")
                           : Session::start(std::move(parts), options, *problem);
    EXPECT_TRUE(session || died) << session.error().message;
    if (!session) return resumed.value_or("");
    const SessionId id = (*session)->id();
    if (!died) {
      const SessionResult result = run_to_end(*wiring, **session);
      EXPECT_FALSE(!died && result.error) << result.error->message;
    }
    return id;
  }
  Store& store;
  SilentView view;
  std::unique_ptr<Wiring> wiring;
  SessionOptions options;
};

// What must be the same: the tree, the steps, what was paid for.
std::string result_of(Store& store, const SessionId& id) {
  const auto nodes = load_nodes(store, id);
  if (!nodes) return nodes.error().message;
  std::string text = tree_digest(*nodes) + "\n";
  const auto events = store.events(id);
  for (const SearchEvent& event : *events) text += to_json(event).dump() + "\n";
  std::multiset<std::string> purposes;
  const auto exchanges = store.exchanges(id, {.limit = 100'000, .after = {}});
  for (const ExchangeRecord& e : exchanges->items)
    purposes.insert(std::to_string(e.exchange.purpose.expansion) + "." + std::to_string(e.exchange.purpose.attempt));
  for (const std::string& purpose : purposes) text += purpose + " ";
  const SessionRecord record = store.session(id).value();
  text += std::to_string(record.state.spend.tokens()) + " " + to_string(record.state.status);
  return text;
}

TEST(RecordedSession, KilledAtAThousandRandomMomentsItGrowsTheSameTreeAndPaysOnce) {
  ASSERT_TRUE(recorded());
  const SystemClock clock;
  const auto undisturbed_store = open_store(":memory:", clock).value();
  const SessionId undisturbed = World(*undisturbed_store).process(std::nullopt, 1'000'000);
  const std::string expected = result_of(*undisturbed_store, undisturbed);
  ASSERT_THAT(expected, HasSubstr(recorded()->tree)) << "the recorded tree";
  const char* asked = std::getenv("KERF_KILLS");
  const int all = asked != nullptr ? std::atoi(asked) : 1000;
  Random random(1);
  int kills = 0;
  while (kills < all && !testing::Test::HasFailure()) {
    const auto store = open_store(":memory:", clock).value();
    std::optional<SessionId> id;
    // Ten processes die on one session, each a bit further on; the last one lives.
    for (int i = 0; i < 10 && kills < all; ++i, ++kills) {
      const SessionId now = World(*store).process(id, 1 + static_cast<int>(random.next() % 40));
      if (!now.empty()) id = now;
    }
    id = World(*store).process(id, 1'000'000);
    ASSERT_EQ(result_of(*store, *id), expected) << "after " << kills << " kills";
  }
  std::cout << kills << " kills\n";
}

struct ReplayBinary : testing::Test {
  void SetUp() override {
    auto made = TemporaryDirectory::create("kerf-replay");
    ASSERT_TRUE(made);
    folder = std::make_unique<TemporaryDirectory>(std::move(*made));
  }
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kerf_binary);
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = folder->path()};
    c.environment["KERF_HOME"] = folder->path() / "home";
    c.environment["KERF_PYTHON"] = "/nonexistent/python";
    c.environment["KERF_CXX"] = "/nonexistent/compiler";
    return c;
  }
  Finished kerf(std::vector<std::string> arguments) const {
    const auto finished = run(command(std::move(arguments)), patience);
    EXPECT_TRUE(finished) << finished.error().message;
    return finished ? *finished : Finished{};
  }
  nlohmann::json shown() const {
    return nlohmann::json::parse(kerf({"show", "last", "--json"}).output, nullptr, false);
  }
  std::unique_ptr<TemporaryDirectory> folder;
  const std::vector<std::string> replay{"optimize", "--synthesizer", "replay:" + recording_file, "--evaluations",
                                        "recorded"};
};

TEST_F(ReplayBinary, YieldsTheRecordedTreeWithoutCompilerPyTorchOrNetwork) {
  ASSERT_TRUE(recorded());
  const auto started = std::chrono::steady_clock::now();
  const Finished f = kerf(replay);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  ASSERT_EQ(f.exit_code, 0) << f.errors;
  const auto json = shown();
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["tree"], recorded()->tree) << f.errors;
  std::cout << "replayed in " << seconds << " s\n";
}

// Room for the candidate, not for what comes with it.
TEST_F(ReplayBinary, WhereThereIsNoRoomForTheFilesTheSessionIsKeptAndOnlyWhatWasWrittenIsNamed) {
  ASSERT_TRUE(recorded());
  const std::string disk = folder->path() / "disk";
  std::string line = kerf_binary;
  for (const std::string& word : replay) line += " " + word;
  Command c = command({});
  c.argv = {"/usr/bin/unshare", "-rm", "/bin/sh", "-c",
            "mkdir " + disk + " && mount -t tmpfs -o size=8k none " + disk + " || exit 77\n" + line +
                " --progress none --out " + disk + "/out; code=$?; ls " + disk + "/out; exit $code"};
  const auto f = run(c, patience);
  if (!f || f->exit_code == 77 || f->errors.find("unshare") != std::string::npos)
    GTEST_SKIP() << "unavailable: no namespace with a file system of its own (unshare -rm, tmpfs)";
  EXPECT_EQ(f->exit_code, 2) << f->errors;
  EXPECT_THAT(f->errors, testing::AllOf(HasSubstr("no space left for"), HasSubstr("the session is kept, kerf export")));
  EXPECT_EQ(std::ranges::count(f->errors, '\n'), 1) << f->errors;
  EXPECT_THAT(f->output, testing::EndsWith("Files\n  " + disk + "/out/kernel.cpp\nkernel.cpp\n"));
}

// A file system of one megabyte, in a namespace of its own, that is made larger after it was full.
TEST_F(ReplayBinary, AFullDiskEndsItWithOneLineAndWithMoreRoomItGoesOnToTheSameTree) {
  ASSERT_TRUE(recorded());
  const std::string disk = folder->path() / "disk", store = " --store " + disk + "/kerf.db";
  std::string line = kerf_binary;
  for (const std::string& word : replay) line += " " + word;
  const std::string script = "mkdir " + disk + " && mount -t tmpfs -o size=1m none " + disk + " || exit 77\n" + line +
                             store + " --progress none --out out > first; echo $? > code\n" +
                             "mount -o remount,size=100m " + disk + "\n" + kerf_binary + " resume last" + store +
                             " --progress none --out out > second || exit 1\n" + kerf_binary + " show last --json" +
                             store + "\n";
  Command c = command({});
  c.argv = {"/usr/bin/unshare", "-rm", "/bin/sh", "-c", script};
  const auto f = run(c, patience);
  if (!f || f->exit_code == 77 || f->errors.find("unshare") != std::string::npos)
    GTEST_SKIP() << "unavailable: no namespace with a file system of its own (unshare -rm, tmpfs)";
  ASSERT_EQ(f->exit_code, 0) << f->errors;
  EXPECT_EQ(read_file(folder->path() / "code").value_or(""), "2\n");
  EXPECT_THAT(f->errors, testing::AllOf(HasSubstr("no space left for the store"), HasSubstr("is kept")));
  EXPECT_EQ(std::ranges::count(f->errors, '\n'), 1) << f->errors;
  const auto json = nlohmann::json::parse(f->output, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["tree"], recorded()->tree);
  EXPECT_EQ(json["status"], "finished");
}

TEST_F(ReplayBinary, KilledAtRandomMomentsItEndsWithTheSameTreeAndPaysOnce) {
  ASSERT_TRUE(recorded());
  Random random(2);
  int kills = 0, sessions = 0;
  while (kills < 36) {
    bool begun = false;
    for (int i = 0; i < 6; ++i, ++kills) {
      auto process =
          Process::start(command(begun ? std::vector<std::string>{"resume", "last", "--progress", "none"} : replay));
      ASSERT_TRUE(process);
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + random.next() % 250));
      process->kill();
      const auto all = nlohmann::json::parse(kerf({"sessions", "--json"}).output, nullptr, false);
      begun = all.is_object() && static_cast<int>(all["sessions"].size()) > sessions;
    }
    const auto before = begun ? shown() : nlohmann::json::object();
    if (before.value("status", "") != "finished") {
      const Finished f = begun ? kerf({"resume", "last", "--progress", "none"}) : kerf(replay);
      ASSERT_EQ(f.exit_code, 0) << f.errors;
    }
    ++sessions;
    const auto json = shown();
    ASSERT_TRUE(json.is_object());
    EXPECT_EQ(json["tree"], recorded()->tree) << "after " << kills << " kills";
    EXPECT_EQ(json["spend"]["calls"], recorded()->exchanges.size()) << "paid once";
  }
}

}  // namespace
}  // namespace kerf
