#include "synthesize/model/recording.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "synthesize/model/fake_log.h"
#include "synthesize/model/fake_model.h"
#include "synthesize/model/http_model.h"
#include "synthesize/model/model_json.h"
#include "synthesize/model/outside.h"
#include "synthesize/model/replay.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ModelRequest request(std::uint64_t expansion, const std::string& text, int attempt = 0) {
  ModelRequest r;
  r.purpose = {.expansion = expansion, .attempt = attempt};
  r.system = {{.text = "you write kernels"}};
  r.messages = {{.role = Speaker::user, .parts = {{.text = "the task"}, {.text = text}}}};
  return r;
}

struct Talk {
  FakeExchangeLog log;
  std::vector<std::string> notes;
  FakeModel* asked = nullptr;
  std::unique_ptr<Model> model;
  explicit Talk(std::vector<std::string> replies) { open(std::move(replies)); }
  void open(std::vector<std::string> replies) {
    auto fake = std::make_unique<FakeModel>(FakeModel::replies_of(std::move(replies)));
    asked = fake.get();
    model = std::make_unique<RecordingModel>(std::move(fake), log,
                                             [this](const std::string& note) { notes.push_back(note); });
  }
  std::string ask(const ModelRequest& r) {
    std::string text = "(no reply yet)";
    model->complete(r, [&text](Result<ModelReply> reply) { text = reply ? reply->text : reply.error().message; });
    return text;
  }
};

TEST(RecordingModel, KeepsAReplyBeforeItPassesItOn) {
  Talk talk({"a kernel"});
  std::size_t kept = 0;
  talk.model->complete(request(1, "please"), [&](const Result<ModelReply>&) { kept = talk.log.exchanges.size(); });
  EXPECT_EQ(kept, 1U);
  const Exchange& e = talk.log.exchanges[0];
  EXPECT_EQ(e.reply.text, "a kernel");
  EXPECT_EQ(e.model, "fake/model");
  EXPECT_EQ(e.request_digest, request(1, "please").digest());
  EXPECT_EQ(model_request_from_json(e.request)->digest(), e.request_digest);
}

TEST(RecordingModel, UsesAReplyThatHadArrivedAndAsksNobody) {
  Talk talk({"first"});
  EXPECT_EQ(talk.ask(request(1, "please")), "first");
  talk.open({"second"});  // another process
  EXPECT_EQ(talk.ask(request(1, "please")), "first");
  EXPECT_THAT(talk.asked->requests(), IsEmpty());
  EXPECT_EQ(talk.log.exchanges.size(), 1U) << "paid for once";
  EXPECT_EQ(talk.ask(request(1, "please", 1)), "second") << "another attempt is another purpose";
}

TEST(RecordingModel, AsksAgainWhereTheRequestDiffersAndSaysWhatDoes) {
  Talk talk({"first"});
  (void)talk.ask(request(1, "line one\nline two"));
  talk.open({"second"});
  EXPECT_EQ(talk.ask(request(1, "line one\nline 2")), "second");
  EXPECT_THAT(talk.notes, ElementsAre(HasSubstr("message 1, part 2, line 2")));
  EXPECT_EQ(talk.log.exchanges.size(), 2U) << "both were paid for";
  EXPECT_EQ(talk.ask(request(1, "line one\nline 2")), "second") << "the latest counts";
}

TEST(RecordingModel, AReplyThatCannotBeKeptIsAnError) {
  Talk talk({"lost"});
  talk.log.full = true;
  EXPECT_EQ(talk.ask(request(1, "please")), "no space left");
}

TEST(RecordingModel, ErrorsPassThroughAndAreNotKept) {
  Talk talk({});
  EXPECT_THAT(talk.ask(request(1, "please")), HasSubstr("no more replies"));
  EXPECT_THAT(talk.log.exchanges, IsEmpty());
}

TEST(RecordingModel, WhatAFailedCallHasCostIsKeptOnceAndItsErrorIsTheAnswer) {
  Talk talk({});
  Error broken{.kind = ErrorKind::unavailable, .message = "the stream broke"};
  note_charges(broken, {.tokens_in = 100, .tokens_out = 7, .usd = 0.25});
  const auto open = [&](std::vector<Result<ModelReply>> replies) {
    auto fake = std::make_unique<FakeModel>(std::move(replies));
    talk.asked = fake.get();
    talk.model = std::make_unique<RecordingModel>(std::move(fake), talk.log, [](const std::string&) {});
  };
  open({std::unexpected(broken)});
  EXPECT_EQ(talk.ask(request(1, "please")), "the stream broke");
  ASSERT_EQ(talk.log.exchanges.size(), 1U);
  EXPECT_EQ(talk.log.exchanges[0].reply.usage.tokens_in, 100);
  EXPECT_EQ(talk.log.exchanges[0].reply.usage.usd, 0.25);
  const auto kept = model_reply_from_json(to_json(talk.log.exchanges[0].reply));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->finish, Finish::failed);
  open(FakeModel::replies_of({"late"}));  // another process, which died before it could say that nothing came
  EXPECT_EQ(talk.ask(request(1, "please")), "the stream broke");
  EXPECT_EQ(talk.log.exchanges.size(), 1U);
  ReplayModel replay(talk.log.exchanges, "fake/model", [](const std::string&) {});
  replay.complete(request(1, "please"), [](const Result<ModelReply>& reply) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(charges_of(reply.error()).usd, 0.25);
  });
}

TEST(RecordingModel, CancelReachesTheModelAndNothingComes) {
  Talk talk({"late"});
  talk.asked->hold = true;
  int calls = 0;
  const auto ticket = talk.model->complete(request(1, "please"), [&](const Result<ModelReply>&) { ++calls; });
  talk.model->cancel(ticket);
  talk.asked->release();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(talk.asked->cancelled().size(), 1U);
  EXPECT_THAT(talk.log.exchanges, IsEmpty());
}

TEST(RequestDifference, NamesTheFirstPartThatDiffers) {
  const auto before = to_json(request(1, "x"));
  const auto with = [](auto change) {
    ModelRequest r = request(1, "x");
    change(r);
    return to_json(r);
  };
  EXPECT_EQ(request_difference(before, before), "");
  EXPECT_EQ(request_difference(before, with([](auto& r) { r.system[0].text = "be kind"; })),
            "the system prompt, part 1, line 1");
  EXPECT_EQ(request_difference(before, with([](auto& r) { r.messages[0].parts.pop_back(); })),
            "message 1 has 1 parts instead of 2");
  EXPECT_EQ(request_difference(before, with([](auto& r) { r.messages.push_back({}); })), "2 messages instead of 1");
  EXPECT_EQ(request_difference(before, with([](auto& r) { r.settings.max_tokens = 5; })), "max_tokens");
  EXPECT_EQ(request_difference(before, with([](auto& r) { r.messages[0].parts[1].cache = true; })),
            "message 1, part 2, its cache mark");
}

std::vector<Exchange> recorded(const std::vector<std::pair<Purpose, std::string>>& replies) {
  std::vector<Exchange> exchanges;
  for (const auto& [purpose, text] : replies) {
    const ModelRequest r = request(purpose.expansion, "please", purpose.attempt);
    Exchange e{.purpose = purpose, .model = "a/b", .request_digest = r.digest(), .request = to_json(r), .reply = {}};
    e.reply.text = text;
    exchanges.push_back(std::move(e));
  }
  return exchanges;
}

struct Replaying {
  std::vector<std::string> notes;
  ReplayModel model;
  explicit Replaying(const std::vector<Exchange>& exchanges)
      : model(exchanges, "a/b", [this](const std::string& note) { notes.push_back(note); }) {}
  std::string ask(const ModelRequest& r) {
    std::string text;
    model.complete(r, [&](Result<ModelReply> reply) { text = reply ? reply->text : reply.error().message; });
    return text;
  }
};

TEST(ReplayModel, AnswersByPurposeWhateverTheOrder) {
  Replaying replay(recorded({{{2, 0}, "two"}, {{3, 0}, "three"}, {{2, 1}, "two again"}}));
  EXPECT_EQ(replay.ask(request(3, "please")), "three");
  EXPECT_EQ(replay.ask(request(2, "please")), "two");
  EXPECT_EQ(replay.ask(request(2, "please", 1)), "two again");
  EXPECT_THAT(replay.notes, IsEmpty());
}

TEST(ReplayModel, SaysWhichPartOfAPromptDiffersFromTheRecordedOne) {
  Replaying replay(recorded({{{2, 0}, "two"}}));
  EXPECT_EQ(replay.ask(request(2, "pretty please")), "two");
  EXPECT_THAT(replay.notes, ElementsAre(HasSubstr("message 1, part 2, line 1")));
}

TEST(ReplayModel, WhereTheSearchWentAnotherWayConversationsFollowInTheirOrder) {
  Replaying replay(recorded({{{2, 0}, "two"}, {{3, 0}, "three"}}));
  EXPECT_EQ(replay.ask(request(7, "please")), "two");
  EXPECT_EQ(replay.ask(request(9, "please")), "three");
  EXPECT_THAT(replay.ask(request(11, "please")), HasSubstr("no more replies"));
  EXPECT_THAT(replay.ask(request(7, "please", 1)), HasSubstr("attempt 2"));
}

TEST(OutsideModel, WhatHasNoAnswerStaysOpen) {
  std::vector<std::uint64_t> asked;
  OutsideModel model("ask", [&](const ModelRequest& r) -> std::optional<ModelReply> {
    asked.push_back(r.purpose.expansion);
    if (r.purpose.expansion != 2) return std::nullopt;
    ModelReply reply;
    reply.text = "from outside";
    return reply;
  });
  std::vector<std::string> came;
  for (const std::uint64_t expansion : {1U, 2U})
    model.complete(request(expansion, "x"), [&](Result<ModelReply> reply) { came.push_back(reply->text); });
  EXPECT_THAT(asked, ElementsAre(1U, 2U));
  EXPECT_THAT(came, ElementsAre("from outside"));
}

}  // namespace
}  // namespace kerf
