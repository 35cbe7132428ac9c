#include "evaluate/job_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/random.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Jobs : ::testing::Test {
  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeClock clock;
  MemoryResultCache cache;
  std::vector<std::string> log;

  std::unique_ptr<JobGraph> graph(int compile = 1) {
    return std::make_unique<JobGraph>(*loop, clock, cache, JobLimits{.compile = compile, .attempts = 3});
  }
  Job job(const std::string& name, std::vector<JobId> after = {}, Slot slot = Slot::light) {
    return {.kind = name,
            .key = "",
            .slot = slot,
            .after = std::move(after),
            .body = [this, name]() -> Result<std::string> {
              log.push_back("run " + name);
              return name;
            },
            .done = [this, name](JobOutcome outcome) { log.push_back((outcome.output ? "done " : "failed ") + name); }};
  }
};

TEST_F(Jobs, RunInTheOrderOfTheirDependencies) {
  const auto g = graph();
  const auto group = g->open_group();
  const auto lint = g->add(group, job("lint"));
  const auto compile = g->add(group, job("compile", {lint}));
  g->add(group, job("time", {compile, lint}));
  EXPECT_TRUE(log.empty()) << "nothing runs inside add()";
  loop->run();
  EXPECT_THAT(log, ElementsAre("run lint", "done lint", "run compile", "done compile", "run time", "done time"));
  EXPECT_EQ(g->pending(), 0U);
}

TEST_F(Jobs, MayAddJobsWhenTheyEnd) {
  const auto g = graph();
  const auto group = g->open_group();
  auto first = job("first");
  first.done = [&](JobOutcome) { g->add(group, job("second")); };
  g->add(group, std::move(first));
  loop->run();
  EXPECT_THAT(log, ElementsAre("run first", "run second", "done second"));
}

TEST_F(Jobs, WithAKeyRunOnceForEver) {
  const auto g = graph();
  std::vector<JobRecord> records;
  for (int i = 0; i < 2; ++i) {
    auto verify = job("verify");
    verify.key = "digest";
    verify.done = [&](JobOutcome outcome) {
      EXPECT_EQ(outcome.output.value_or(""), "verify");
      records.push_back(outcome.record);
    };
    g->add(g->open_group(), std::move(verify));
    loop->run();
  }
  EXPECT_THAT(log, ElementsAre("run verify"));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_FALSE(records[0].cached);
  EXPECT_TRUE(records[1].cached);
}

TEST_F(Jobs, ThatFailAreNotCached) {
  const auto g = graph();
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    auto verify = job("verify");
    verify.key = "digest";
    verify.body = [&]() -> Result<std::string> {
      ++runs;
      return fail(ErrorKind::candidate, "wrong");
    };
    g->add(g->open_group(), std::move(verify));
    loop->run();
  }
  EXPECT_EQ(runs, 2);
}

TEST_F(Jobs, BehindAFailedOneAreNotStartedAndSaySo) {
  const auto g = graph();
  const auto group = g->open_group();
  auto first = job("compile");
  first.body = [] { return Result<std::string>(fail(ErrorKind::candidate, "line 3 is no C++")); };
  const auto id = g->add(group, std::move(first));
  std::string why;
  auto second = job("verify", {id});
  second.done = [&](JobOutcome outcome) { why = outcome.output ? "" : outcome.output.error().message; };
  const auto verify = g->add(group, std::move(second));
  g->add(group, job("time", {verify}));
  g->add(g->open_group(), job("next candidate"));
  loop->run();
  EXPECT_THAT(log, ElementsAre("run next candidate", "failed compile", "failed time", "done next candidate"));
  EXPECT_THAT(why, HasSubstr("compile"));
}

TEST_F(Jobs, ThatFailForOurReasonsAreTriedThreeTimes) {
  const auto g = graph();
  int runs = 0, attempts = 0;
  ErrorKind kind = ErrorKind::user;
  auto flaky = job("verify");
  flaky.body = [&]() -> Result<std::string> {
    ++runs;
    return fail(ErrorKind::system, "the oracle died");
  };
  flaky.done = [&](JobOutcome outcome) {
    attempts = outcome.attempts;
    kind = outcome.output.error().kind;
  };
  g->add(g->open_group(), std::move(flaky));
  loop->run();
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(kind, ErrorKind::system);
}

TEST_F(Jobs, ThatRecoverSucceed) {
  const auto g = graph();
  int runs = 0;
  auto flaky = job("verify");
  flaky.body = [&]() -> Result<std::string> {
    if (++runs < 3) return fail(ErrorKind::internal, "again");
    return "right";
  };
  g->add(g->open_group(), std::move(flaky));
  loop->run();
  EXPECT_THAT(log, ElementsAre("done verify"));
}

TEST_F(Jobs, ThatFailForTheCandidatesReasonsAreTriedOnce) {
  const auto g = graph();
  for (const auto kind : {ErrorKind::candidate, ErrorKind::user, ErrorKind::unavailable, ErrorKind::cancelled}) {
    int runs = 0;
    auto wrong = job("verify");
    wrong.body = [&]() -> Result<std::string> {
      ++runs;
      return fail(kind, "no");
    };
    g->add(g->open_group(), std::move(wrong));
    loop->run();
    EXPECT_EQ(runs, 1) << to_string(kind);
  }
}

TEST_F(Jobs, OfACancelledGroupAreAnsweredOnceAndNeverStarted) {
  const auto g = graph();
  const auto group = g->open_group();
  const auto first = g->add(group, job("first"));
  g->add(group, job("second", {first}));
  g->add(g->open_group(), job("other"));
  g->cancel(group);
  EXPECT_THAT(log, ElementsAre("failed first", "failed second"));
  g->add(group, job("late"));
  loop->run();
  EXPECT_THAT(log, ElementsAre("failed first", "failed second", "failed late", "run other", "done other"));
}

TEST_F(Jobs, DestroyedWithTheirGraphStaySilent) {
  auto g = graph();
  g->add(g->open_group(), job("first"));
  g.reset();
  loop->run();
  EXPECT_TRUE(log.empty());
}

TEST_F(Jobs, RecordHowLongTheirBodiesTook) {
  const auto g = graph();
  auto slow = job("compile");
  double took = 0;
  slow.body = [&]() -> Result<std::string> {
    clock.time += std::chrono::milliseconds(250);
    return "";
  };
  slow.done = [&](JobOutcome outcome) { took = outcome.record.seconds; };
  g->add(g->open_group(), std::move(slow));
  loop->run();
  EXPECT_DOUBLE_EQ(took, 0.25);
}

// Starts bodies and lets the test end them, in any order: a loop whose pool has no threads.
struct HeldLoop final : Loop {
  struct Held {
    Callback work, done;
  };
  std::unique_ptr<Loop> inner = make_manual_loop();
  std::vector<Held> held;
  void post(Callback f) override { inner->post(std::move(f)); }
  Timer after(std::chrono::milliseconds d, Callback f) override { return inner->after(d, std::move(f)); }
  void forget(Timer timer) override { inner->forget(timer); }
  Result<> watch(int fd, Ready wanted, std::move_only_function<void(Ready)> f) override {
    return inner->watch(fd, wanted, std::move(f));
  }
  void unwatch(int fd) override { inner->unwatch(fd); }
  void offload(Callback work, Callback done) override { held.push_back({std::move(work), std::move(done)}); }
  void on_interrupt(Callback) override {}
  void run() override { inner->run(); }
  void stop() override { inner->stop(); }
  void end(std::size_t i) {
    auto job = std::move(held[i]);
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    job.work();
    job.done();
    run();
  }
};

RC_GTEST_PROP(JobSlots, AreNeverOverbookedAndNobodyStarves, ()) {
  HeldLoop loop;
  const FakeClock clock;
  MemoryResultCache cache;
  const int limit = *rc::gen::inRange(1, 4);
  JobGraph graph(loop, clock, cache, {.compile = limit, .attempts = 3});
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const int n = *rc::gen::inRange(1, 30);
  std::map<Slot, int> running;  // as bodies that were handed to the pool
  int finished = 0;
  std::vector<JobId> ids;
  std::vector<Slot> slots;
  for (int i = 0; i < n; ++i) {
    const auto slot = static_cast<Slot>(random.below(4));
    std::vector<JobId> after;
    if (!ids.empty() && random.below(2) == 0) after.push_back(ids[random.below(ids.size())]);
    ids.push_back(graph.add(graph.open_group(), {.kind = std::to_string(static_cast<int>(slot)),
                                                 .key = "",
                                                 .slot = slot,
                                                 .after = after,
                                                 .body = [] { return Result<std::string>(""); },
                                                 .done = [&](JobOutcome) { ++finished; }}));
  }
  loop.run();
  while (!loop.held.empty()) {
    RC_ASSERT(graph.running() == static_cast<int>(loop.held.size()));
    loop.end(random.below(loop.held.size()));
  }
  RC_ASSERT(finished == n);
  RC_ASSERT(graph.pending() == 0U);
}

TEST(JobSlots, KeepTheQuietMachineQuiet) {
  HeldLoop loop;
  const FakeClock clock;
  MemoryResultCache cache;
  JobGraph graph(loop, clock, cache, {.compile = 2, .attempts = 3});
  std::vector<std::string> ended;
  const auto add = [&](const std::string& name, Slot slot) {
    graph.add(graph.open_group(), {.kind = name,
                                   .key = "",
                                   .slot = slot,
                                   .body = [] { return Result<std::string>(""); },
                                   .done = [&ended, name](JobOutcome) { ended.push_back(name); }});
  };
  add("compile 1", Slot::compile);
  add("compile 2", Slot::compile);
  add("compile 3", Slot::compile);
  add("verify 1", Slot::run);
  add("verify 2", Slot::run);
  add("time", Slot::alone);
  add("compile 4", Slot::compile);
  loop.run();
  EXPECT_EQ(loop.held.size(), 3U) << "two compilations and one run";
  while (ended.size() < 5) {
    loop.end(0);
    EXPECT_LE(loop.held.size(), 3U);
  }
  EXPECT_THAT(ended, ::testing::UnorderedElementsAre("compile 1", "compile 2", "compile 3", "verify 1", "verify 2"));
  EXPECT_EQ(loop.held.size(), 1U) << "the timed run alone; compile 4 came after it and waits";
  loop.end(0);
  EXPECT_EQ(ended.back(), "time");
  loop.end(0);
  EXPECT_EQ(ended.back(), "compile 4");
}

TEST(JobSlots, OfADeviceAreNotHeldUpByCompilations) {
  HeldLoop loop;
  const FakeClock clock;
  MemoryResultCache cache;
  JobGraph graph(loop, clock, cache, {.compile = 2, .attempts = 3, .device = true});
  std::vector<std::string> ended;
  const auto add = [&](const std::string& name, Slot slot) {
    graph.add(graph.open_group(), {.kind = name,
                                   .key = "",
                                   .slot = slot,
                                   .body = [] { return Result<std::string>(""); },
                                   .done = [&ended, name](JobOutcome) { ended.push_back(name); }});
  };
  add("compile 1", Slot::compile);
  add("time 1", Slot::alone);
  loop.run();
  EXPECT_EQ(loop.held.size(), 2U) << "it is timed while it is compiled";
  add("time 2", Slot::alone);
  add("verify", Slot::run);
  add("compile 2", Slot::compile);
  add("compile 3", Slot::compile);
  add("diagnose", Slot::light);
  loop.run();
  EXPECT_EQ(loop.held.size(), 4U) << "a second compilation and the diagnosis begin, too; nothing else is on the device";
  loop.end(1);
  EXPECT_THAT(ended, ElementsAre("time 1"));
  EXPECT_EQ(loop.held.size(), 4U) << "the next that is to be alone, not the verification that came after it";
  while (!loop.held.empty()) loop.end(loop.held.size() - 1);
  EXPECT_EQ(ended.size(), 7U);
  EXPECT_LT(std::ranges::find(ended, "time 2") - ended.begin(), std::ranges::find(ended, "verify") - ended.begin());
}

TEST(JobSlots, StayTakenUntilACancelledBodyReturns) {
  HeldLoop loop;
  const FakeClock clock;
  MemoryResultCache cache;
  JobGraph graph(loop, clock, cache, {});
  const auto group = graph.open_group();
  int done = 0;
  const auto body = [] { return Result<std::string>(""); };
  graph.add(group,
            {.kind = "verify", .key = "k", .slot = Slot::run, .body = body, .done = [&](JobOutcome) { ++done; }});
  graph.add(graph.open_group(), {.kind = "time", .key = "", .slot = Slot::alone, .body = body, .done = nullptr});
  loop.run();
  graph.cancel(group);
  loop.run();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(loop.held.size(), 1U) << "the cancelled body still occupies the machine";
  loop.end(0);
  EXPECT_EQ(done, 1) << "answered once";
  EXPECT_EQ(cache.size(), 0U) << "nobody vouches for what a cancelled job said";
  EXPECT_EQ(loop.held.size(), 1U);
  loop.end(0);
}

// With the real loop and threads; run under ThreadSanitizer it shows that bodies share nothing with the graph.
TEST(JobGraphOnRealThreads, KeepsItsPromises) {
  auto loop = make_loop(4);
  ASSERT_TRUE(loop);
  const SystemClock clock;
  MemoryResultCache cache;
  JobGraph graph(**loop, clock, cache, {.compile = 3, .attempts = 3});
  std::atomic<int> compiling = 0, most = 0, all = 0;
  std::atomic<bool> disturbed = false;
  int done = 0;
  for (int candidate = 0; candidate < 40; ++candidate) {
    const auto group = graph.open_group();
    auto* text = new std::string("candidate");  // state of a candidate, handed from job to job
    const auto compile = graph.add(group, {.kind = "compile",
                                           .key = "",
                                           .slot = Slot::compile,
                                           .body = [&, text]() -> Result<std::string> {
                                             ++all;
                                             most = std::max(most.load(), ++compiling);
                                             *text += " compiled";
                                             std::this_thread::yield();
                                             --compiling;
                                             --all;
                                             return *text;
                                           },
                                           .done = nullptr});
    graph.add(group, {.kind = "time",
                      .key = "",
                      .slot = Slot::alone,
                      .after = {compile},
                      .body = [&, text]() -> Result<std::string> {
                        if (++all != 1) disturbed = true;
                        *text += " timed";
                        --all;
                        return *text;
                      },
                      .done =
                          [&, text](JobOutcome outcome) {
                            EXPECT_EQ(outcome.output.value_or(""), "candidate compiled timed");
                            delete text;
                            ++done;
                          }});
  }
  (*loop)->run();
  EXPECT_EQ(done, 40);
  EXPECT_FALSE(disturbed);
  EXPECT_LE(most, 3);
}

}  // namespace
}  // namespace kerf
