// Batches of requests, against our own server: its two interfaces are written after the providers' documentation.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "base/paths.h"
#include "model_fixture.h"
#include "model_server.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct BatchTest : ModelTest, testing::WithParamInterface<std::string> {
  ModelServer server;
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-batch").value();
  void SetUp() override {
    options.batch_folder = folder.path() / "batches";
    options.batch_gather = milliseconds(50);
    options.batch_poll = milliseconds(50);
    prices = Prices::parse("[\"" + server.host() + "\"]\n\"*\" = { input = 1, output = 10, batch = 0.5 }", "p").value();
  }
  std::unique_ptr<Model> model(const std::string& kind = "batch:", const std::string& scenario = "good") {
    options.base_url = server.url("/" + scenario + (GetParam() == "openai" ? "/v1" : ""));
    auto made = make_model(kind + GetParam() + "/local", parts(), options);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made).value_or(nullptr);
  }
  // Asks for several at once; the answers by number.
  std::map<int, Result<ModelReply>> ask_all(Model& m, int first, int count) {
    std::map<int, Result<ModelReply>> got;
    for (int i = first; i < first + count; ++i) {
      m.complete({.purpose = {.expansion = static_cast<std::uint64_t>(i)},
                  .messages = {{.parts = {{.text = "task " + std::to_string(i)}}}}},
                 [&got, i](Result<ModelReply> reply) { got.emplace(i, std::move(reply)); });
    }
    loop->after(seconds(20), [this] { loop->stop(); });
    const auto watch = [&](auto& self) -> void {
      if (static_cast<int>(got.size()) == count)
        loop->stop();
      else
        loop->after(milliseconds(10), [&] { self(self); });
    };
    watch(watch);
    loop->run();
    return got;
  }
  int posted() {
    const std::string log = fetch(*loop, *http, {.url = server.url("/log")}).body;
    int count = 0;
    for (std::size_t at = 0; (at = log.find("{\"method\": \"POST\"", at)) != log.npos; ++at) ++count;
    return count;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, BatchTest, testing::Values("openai", "anthropic"),
                         [](const auto& p) { return p.param; });

TEST_P(BatchTest, GoesOutAsOneAndComesBackInAnyOrderAtHalfThePrice) {
  const auto m = model();
  const auto got = ask_all(*m, 0, 5);
  ASSERT_EQ(got.size(), 5U);
  for (const auto& [i, reply] : got) {
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->text, "batched task " + std::to_string(i));
    EXPECT_NEAR(reply->usage.usd.value(), 0.5 * (100 + 100) * 1e-6, 1e-12);
  }
  EXPECT_EQ(posted(), GetParam() == "openai" ? 2 : 1);
}

TEST_P(BatchTest, AnotherProcessGoesOnWithoutAskingTwice) {
  {
    const auto m = model();
    for (int i = 0; i < 3; ++i) {
      m->complete({.purpose = {.expansion = static_cast<std::uint64_t>(i)},
                   .messages = {{.parts = {{.text = "task " + std::to_string(i)}}}}},
                  [](auto) { ADD_FAILURE() << "too early"; });
    }
    for (int i = 0; i < 200 && !fs::exists(options.batch_folder / "requests-0001.sent"); ++i) {
      loop->after(milliseconds(5), [this] { loop->stop(); });
      loop->run();
    }
  }
  ASSERT_TRUE(fs::exists(options.batch_folder / "requests-0001.sent"));
  const int before = posted();
  {
    const auto m = model();
    const auto got = ask_all(*m, 0, 3);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got.at(2).value().text, "batched task 2");
  }
  const auto m = model();  // and once more, from the answers that lie there
  EXPECT_EQ(ask_all(*m, 0, 3).size(), 3U);
  EXPECT_EQ(posted(), before);
}

TEST_P(BatchTest, AnUploadOfUnknownFateIsSettledByThePersonWhoPays) {
  {
    const auto m = model();
  }
  ASSERT_TRUE(write_file(options.batch_folder / "requests-0001.jsonl", "{\"custom_id\":\"x\"}\n"));
  ASSERT_TRUE(write_file(options.batch_folder / "requests-0001.sending", ""));
  const auto made = make_model("batch:" + GetParam() + "/local", parts(), options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::user);
  EXPECT_THAT(made.error().message, AllOf(HasSubstr("requests-0001.sending"), Not(HasSubstr("\n"))));
}

TEST_P(BatchTest, ARefusedBatchIsOneLineAndLeavesNothingInDoubt) {
  const auto m = model("batch:", "nowhere/at/all");
  const auto got = ask_all(*m, 0, 2);
  ASSERT_EQ(got.size(), 2U);
  ASSERT_FALSE(got.at(0));
  EXPECT_THAT(got.at(0).error().message, HasSubstr("404"));
  EXPECT_FALSE(fs::exists(options.batch_folder / "requests-0001.sending"));
}

TEST_P(BatchTest, ABatchWithoutANameIsOneLineAndIsNotMadeAgain) {
  const auto m = model("batch:", "batch_numbered");
  const auto got = ask_all(*m, 0, 2);
  ASSERT_EQ(got.size(), 2U);
  ASSERT_FALSE(got.at(0));
  EXPECT_THAT(got.at(0).error().message, HasSubstr("made a batch without a name"));
  EXPECT_TRUE(fs::exists(options.batch_folder / "requests-0001.sending"));
}

TEST_P(BatchTest, FilesAreCarriedByHand) {
  const auto m = model("batch-files:");
  loop->after(
      milliseconds(400), [&] {  // the person: answers what the file asks, the last first, with a stranger's line
        const std::string asked = read_file(options.batch_folder / "requests-0001.jsonl").value_or("");
        std::string answers;
        std::istringstream lines(asked);
        for (std::string line; std::getline(lines, line);) {
          const auto json = nlohmann::json::parse(line);
          const bool openai = GetParam() == "openai";
          const nlohmann::json message =
              openai
                  ? nlohmann::json::parse(R"({"choices":[{"message":{"content":"by hand"},"finish_reason":"stop"}]})")
                  : nlohmann::json::parse(R"({"content":[{"type":"text","text":"by hand"}],"stop_reason":"end_turn"})");
          nlohmann::json answer = {{"custom_id", json.at("custom_id")}};
          if (openai)
            answer["response"] = {{"status_code", 200}, {"body", message}};
          else
            answer["result"] = {{"type", "succeeded"}, {"message", message}};
          answers = answer.dump() + "\n" + answers;
        }
        ASSERT_TRUE(
            write_file(options.batch_folder / "answers-mine.jsonl", "{\"custom_id\": 3}\nnot json\n" + answers));
      });
  const auto got = ask_all(*m, 0, 3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got.at(1).value().text, "by hand");
  EXPECT_EQ(posted(), 0);
}

TEST_P(BatchTest, CancelLeavesTheLoopNothingToWaitFor) {
  options.batch_gather = seconds(60);
  const auto m = model();
  const auto ticket = m->complete({.messages = {{.parts = {{.text = "x"}}}}}, [](auto) { ADD_FAILURE(); });
  m->cancel(ticket);
  const auto start = std::chrono::steady_clock::now();
  loop->run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(1));
}

TEST(Batches, NeedAFolder) {
  const auto loop = make_loop(1).value();
  const auto http = make_http(*loop).value();
  FakeKeys keys;
  keys.keys["openai"] = "k";
  const Prices prices;
  const SystemClock clock;
  EXPECT_THAT(make_model("batch:openai/x", {*loop, *http, keys, prices, clock, Random(1)}).error().message,
              HasSubstr("folder"));
}

}  // namespace
}  // namespace kerf
