#include "synthesize/model/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ModelRequest a_request() {
  return {.system = {{.text = "rules", .cache = true}, {.text = ""}, {.text = "more"}},
          .messages = {{.role = Speaker::user, .parts = {{.text = "one"}, {.text = "two"}}},
                       {.role = Speaker::assistant, .parts = {{.text = "three"}}},
                       {.role = Speaker::user, .parts = {{.text = "four"}}}},
          .settings = {.max_tokens = 4000}};
}

// A stream of data lines through a reader; the trouble, if any, as its message.
std::string read_stream(ReplyReader& reader, const std::vector<std::string>& data) {
  for (const std::string& line : data) {
    if (const CallStep step = reader.event({.name = "", .data = line}); !step) return step.error().error.message;
  }
  return "";
}

TEST(Anthropic, SendsBlocksWithMarkersWhereCachingIsWorthIt) {
  const Json body = make_anthropic_dialect()->body("claude-x", a_request(), true).value();
  EXPECT_EQ(body["system"], Json::parse(R"([{"type":"text","text":"rules","cache_control":{"type":"ephemeral"}},
                                            {"type":"text","text":"more"}])"));
  EXPECT_EQ(body["messages"].size(), 3U);
  EXPECT_EQ(body["messages"][0]["content"].size(), 2U);
  EXPECT_EQ(body["messages"][1]["role"], "assistant");
  EXPECT_EQ(body["max_tokens"], 4000);
  EXPECT_EQ(body["stream"], true);
  EXPECT_FALSE(body.contains("temperature"));
  EXPECT_FALSE(body.contains("thinking"));
}

TEST(Anthropic, KeepsTheLastFourMarkers) {
  ModelRequest request = a_request();
  request.messages[0].parts.assign(6, {.text = "x", .cache = true});
  const Json body = make_anthropic_dialect()->body("claude-x", request, true).value();
  EXPECT_FALSE(body["system"][0].contains("cache_control"));
  int marked = 0;
  for (const Json& block : body["messages"][0]["content"]) marked += block.contains("cache_control") ? 1 : 0;
  EXPECT_EQ(marked, 4);
  EXPECT_TRUE(body["messages"][0]["content"][5].contains("cache_control"));
}

TEST(Anthropic, EffortIsAWordOrANumberOfTokens) {
  ModelRequest request = a_request();
  request.settings.effort = "high";
  Json body = make_anthropic_dialect()->body("claude-x", request, true).value();
  EXPECT_EQ(body["output_config"]["effort"], "high");
  EXPECT_EQ(body["thinking"]["type"], "adaptive");
  request.settings.effort = "2048";
  body = make_anthropic_dialect()->body("claude-x", request, true).value();
  EXPECT_EQ(body["thinking"], Json::parse(R"({"type":"enabled","budget_tokens":2048})"));
  EXPECT_FALSE(body.contains("output_config"));
  request.settings.effort = "4000";  // nothing left for the reply
  EXPECT_EQ(make_anthropic_dialect()->body("claude-x", request, true).error().kind, ErrorKind::user);
}

TEST(Anthropic, PutsAStreamTogether) {
  const auto reader = make_anthropic_dialect()->reader();
  EXPECT_EQ(
      read_stream(*reader,
                  {R"({"type":"message_start","message":{"model":"claude-x-1","usage":{"input_tokens":5,
                             "cache_read_input_tokens":100,"cache_creation_input_tokens":20,"output_tokens":1}}})",
                   R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})",
                   R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})",
                   R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}})",
                   R"({"type":"ping"})", R"({"type":"something new"})",
                   R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ker"}})",
                   R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"nel"}})",
                   R"({"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":77}})",
                   R"({"type":"message_stop"})"}),
      "");
  EXPECT_TRUE(reader->ended && reader->has_text && reader->has_input_usage && reader->has_output_usage);
  EXPECT_EQ(reader->reply.text, "kernel");
  EXPECT_EQ(reader->reply.reasoning, "hm");
  EXPECT_EQ(reader->reply.finish, Finish::length);
  EXPECT_EQ(reader->reply.model, "claude-x-1");
  EXPECT_EQ(reader->reply.usage.tokens_in, 125);
  EXPECT_EQ(reader->reply.usage.cached_in, 100);
  EXPECT_EQ(reader->reply.usage.written_in, 20);
  EXPECT_EQ(reader->reply.usage.tokens_out, 77);
}

TEST(Anthropic, KnowsWhyItStopped) {
  for (const auto& [reason, finish] : std::map<std::string, Finish>{{"end_turn", Finish::complete},
                                                                    {"stop_sequence", Finish::complete},
                                                                    {"max_tokens", Finish::length},
                                                                    {"model_context_window_exceeded", Finish::length},
                                                                    {"refusal", Finish::refusal},
                                                                    {"pause_turn", Finish::other}}) {
    const auto reader = make_anthropic_dialect()->reader();
    const Json body = {{"type", "message"},
                       {"model", "m"},
                       {"stop_reason", reason},
                       {"content", Json::array({{{"type", "text"}, {"text", "x"}}})}};
    EXPECT_TRUE(reader->whole(body));
    EXPECT_EQ(reader->reply.finish, finish) << reason;
    EXPECT_EQ(reader->reply.text, "x");
  }
}

TEST(Anthropic, AnOverloadWithinTheStreamIsWorthAnotherTry) {
  const auto reader = make_anthropic_dialect()->reader();
  const CallStep step = reader->event(
      {.name = "error", .data = R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"});
  ASSERT_FALSE(step);
  EXPECT_TRUE(step.error().again);
  EXPECT_THAT(step.error().error.message, AllOf(HasSubstr("overloaded_error"), HasSubstr("Overloaded")));
  const CallStep wrong =
      reader->event({.data = R"({"type":"error","error":{"type":"invalid_request_error","message":"no"}})"});
  EXPECT_FALSE(wrong.error().again);
}

TEST(Anthropic, WhatIsNoJsonIsNoReply) {
  for (const char* data : {"", "{", "[]", "null", "<html>", "{\"type\":\"\xff\"}"}) {
    const CallStep step = make_anthropic_dialect()->reader()->event({.data = data});
    ASSERT_FALSE(step) << data;
    EXPECT_FALSE(step.error().again);
  }
  // Right JSON, wrong types everywhere: ignored, not believed.
  for (const char* data :
       {R"({"type":1})", R"({"type":"message_start","message":7})", R"({"type":"message_delta","usage":[]})",
        R"({"type":"content_block_delta","delta":{"text":5}})",
        R"({"type":"message_start","message":{"usage":{"input_tokens":"x"}}})"}) {
    EXPECT_TRUE(make_anthropic_dialect()->reader()->event({.data = data})) << data;
  }
}

TEST(OpenAi, SendsTextsAndTheNameOfTheLimitThatTheServerKnows) {
  const Json own = make_openai_dialect(true)->body("gpt-x", a_request(), true).value();
  EXPECT_EQ(own["messages"],
            Json::parse(R"([{"role":"system","content":"rules\nmore"},{"role":"user","content":"one\ntwo"},
                                             {"role":"assistant","content":"three"},{"role":"user","content":"four"}])"));
  EXPECT_EQ(own["max_completion_tokens"], 4000);
  EXPECT_EQ(own["stream_options"]["include_usage"], true);
  const Json other = make_openai_dialect(false)->body("llama", a_request(), false).value();
  EXPECT_EQ(other["max_tokens"], 4000);
  EXPECT_FALSE(other.contains("stream"));
}

TEST(OpenAi, EffortIsAWord) {
  ModelRequest request = a_request();
  request.settings.effort = "low";
  EXPECT_EQ(make_openai_dialect(true)->body("gpt-x", request, true).value()["reasoning_effort"], "low");
  request.settings.effort = "2000";
  EXPECT_THAT(make_openai_dialect(true)->body("gpt-x", request, true).error().message, HasSubstr("low, medium, high"));
}

TEST(OpenAi, PutsAStreamTogetherAndWaitsForTheFigures) {
  const auto reader = make_openai_dialect(true)->reader();
  EXPECT_EQ(read_stream(*reader, {R"({"model":"gpt-x-1","choices":[{"delta":{"role":"assistant","content":""}}]})",
                                  R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})",
                                  R"({"choices":[{"delta":{"content":"ker"}}],"usage":null})",
                                  R"({"choices":[{"delta":{"content":"nel"},"finish_reason":null}]})",
                                  R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"}),
            "");
  EXPECT_TRUE(reader->has_text);
  EXPECT_FALSE(reader->ended || reader->has_input_usage);
  EXPECT_EQ(read_stream(*reader, {R"({"choices":[],"usage":{"prompt_tokens":120,"completion_tokens":9,
                                      "prompt_tokens_details":{"cached_tokens":64}}})",
                                  "[DONE]"}),
            "");
  EXPECT_TRUE(reader->ended && reader->has_input_usage && reader->has_output_usage);
  EXPECT_EQ(reader->reply.text, "kernel");
  EXPECT_EQ(reader->reply.reasoning, "hm");
  EXPECT_EQ(reader->reply.finish, Finish::complete);
  EXPECT_EQ(reader->reply.usage.tokens_in, 120);
  EXPECT_EQ(reader->reply.usage.cached_in, 64);
  EXPECT_EQ(reader->reply.usage.tokens_out, 9);
}

TEST(Dialects, BelieveNoFigureThatCanBeNone) {
  const auto anthropic = make_anthropic_dialect()->reader();
  EXPECT_TRUE(anthropic->whole(Json::parse(
      R"({"type":"message","content":[{"type":"text","text":"k"}],"stop_reason":"end_turn",
          "usage":{"input_tokens":9223372036854775807,"cache_read_input_tokens":9223372036854775807,
                   "output_tokens":-5}})")));
  EXPECT_EQ(anthropic->reply.usage.tokens_in, 0);
  EXPECT_EQ(anthropic->reply.usage.tokens_out, 0);
  const auto openai = make_openai_dialect(true)->reader();
  EXPECT_TRUE(openai->whole(
      Json::parse(R"({"choices":[{"message":{"content":"k"}}],"usage":{"prompt_tokens":18446744073709551615}})")));
  EXPECT_EQ(openai->reply.usage.tokens_in, 0);
}

TEST(OpenAi, TakesAnAnswerThatIsNoStream) {
  const auto reader = make_openai_dialect(false)->reader();
  EXPECT_TRUE(reader->whole(
      Json::parse(R"({"model":"m","choices":[{"message":{"content":"k","reasoning":"r"},"finish_reason":"length"}],
                                            "usage":{"prompt_tokens":3,"completion_tokens":1}})")));
  EXPECT_EQ(reader->reply.text, "k");
  EXPECT_EQ(reader->reply.reasoning, "r");
  EXPECT_EQ(reader->reply.finish, Finish::length);
  EXPECT_FALSE(make_openai_dialect(false)->reader()->whole(Json::parse(R"({"hello":1})")));
}

TEST(OpenAi, ARefusalIsOne) {
  const auto reader = make_openai_dialect(true)->reader();
  EXPECT_EQ(read_stream(*reader, {R"({"choices":[{"delta":{"refusal":"I cannot"}}]})",
                                  R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"}),
            "");
  EXPECT_EQ(reader->reply.finish, Finish::refusal);
  const auto filtered = make_openai_dialect(true)->reader();
  EXPECT_EQ(read_stream(*filtered, {R"({"choices":[{"delta":{},"finish_reason":"content_filter"}]})"}), "");
  EXPECT_EQ(filtered->reply.finish, Finish::refusal);
}

TEST(OpenAi, AnErrorWithinTheStreamIsTriedAgainUnlessItIsOurs) {
  EXPECT_TRUE(make_openai_dialect(true)
                  ->reader()
                  ->event({.data = R"({"error":{"message":"bad gateway","code":502}})"})
                  .error()
                  .again);
  EXPECT_TRUE(make_openai_dialect(true)
                  ->reader()
                  ->event({.data = R"({"error":{"message":"slow down","code":"429"}})"})
                  .error()
                  .again);
  EXPECT_TRUE(make_openai_dialect(true)->reader()->event({.data = R"({"error":"broken"})"}).error().again);
  EXPECT_FALSE(
      make_openai_dialect(true)->reader()->event({.data = R"({"error":{"message":"no","code":400}})"}).error().again);
}

// Answers other than 200.

const AskedServer own{.host = "api.x.com", .model = "m-1", .key_name = "X_API_KEY", .key_remedy = "set X_API_KEY"};

CallTrouble answer(int status, std::string_view body, std::vector<std::pair<std::string, std::string>> headers = {},
                   const AskedServer& asked = own) {
  return trouble_of_answer(asked, {.status = status, .headers = std::move(headers)}, body, 0);
}

TEST(Answers, OverloadAndServerErrorsAreTriedAgain) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 529}) EXPECT_TRUE(answer(status, "").again) << status;
  for (const int status : {301, 400, 401, 402, 403, 404, 413, 422}) EXPECT_FALSE(answer(status, "").again) << status;
}

TEST(Answers, RetryAfterIsSecondsOrADate) {
  EXPECT_EQ(answer(429, "", {{"retry-after", "7"}}).wait, milliseconds(7000));
  EXPECT_EQ(answer(429, "", {{"retry-after", "0.5"}}).wait, milliseconds(500));
  EXPECT_EQ(answer(429, "", {{"retry-after-ms", "250"}}).wait, milliseconds(250));
  EXPECT_EQ(answer(429, "", {{"retry-after", "Thu, 01 Jan 1970 00:01:00 GMT"}}).wait, milliseconds(60'000));
  EXPECT_EQ(answer(429, "", {{"retry-after", "soon"}}).wait, std::nullopt);
  EXPECT_EQ(retry_after("-3", 0), std::nullopt);
  EXPECT_EQ(retry_after("nan", 0), std::nullopt);
  EXPECT_EQ(retry_after("Thu, 01 Jan 1970 00:00:01 GMT", 5'000), milliseconds(0));
}

TEST(Answers, SayWhatToDoNext) {
  EXPECT_THAT(answer(401, "Incorrect API key provided: sk-abc").error.message,
              AllOf(HasSubstr("refused the key from X_API_KEY"), Not(HasSubstr("sk-abc"))));
  AskedServer keyless = own;
  keyless.key_name = "";
  EXPECT_THAT(answer(401, "", {}, keyless).error.message, HasSubstr("set X_API_KEY"));
  EXPECT_THAT(answer(404, R"({"error":{"message":"model: m-1"}})").error.message,
              AllOf(HasSubstr("m-1"), Not(HasSubstr("/v1"))));
  AskedServer other = own;
  other.own_server = false;
  EXPECT_THAT(answer(404, "Not Found", {}, other).error.message, HasSubstr("/v1"));
  EXPECT_THAT(answer(302, "", {{"location", "https://user:pw@other.com/x?k=1"}}).error.message,
              AllOf(HasSubstr("https://other.com"), Not(HasSubstr("pw")), HasSubstr("--base-url")));
  const CallTrouble bad = answer(400, R"({"error":{"message":"prompt is\n too long"}})");
  EXPECT_EQ(bad.error.kind, ErrorKind::user);
  EXPECT_THAT(bad.error.message, AllOf(StartsWith("api.x.com refused"), HasSubstr("prompt is too long")));
  const CallTrouble broke = answer(429, R"({"error":{"message":"You exceeded","type":"insufficient_quota"}})");
  EXPECT_FALSE(broke.again);
  EXPECT_THAT(broke.error.message, HasSubstr("credit"));
}

TEST(Answers, AnyBodyIsOneShortLine) {
  const auto one_line = [](const CallTrouble& t) {
    return t.error.message.find('\n') == std::string::npos && t.error.message.size() < 600;
  };
  EXPECT_TRUE(one_line(answer(500, std::string(100'000, 'x'))));
  EXPECT_TRUE(one_line(answer(500, "<html>\n<body>\x1b[31mred")));
  EXPECT_TRUE(one_line(answer(400, R"({"detail":[{"loc":["body"],"msg":"field required"}]})")));
  EXPECT_THAT(answer(400, R"({"detail":[{"msg":"field required"}]})").error.message, HasSubstr("field required"));
  EXPECT_THAT(answer(400, R"({"error":"no such model"})").error.message, HasSubstr("no such model"));
  EXPECT_EQ(excerpt("é" + std::string(299, 'x') + "é").back() == '\xa6', true);  // cut between letters
}

TEST(Parts, AreJoinedAtLineEnds) {
  EXPECT_EQ(joined({{.text = "a\n"}, {.text = ""}, {.text = "b"}, {.text = "c"}}), "a\nb\nc");
  EXPECT_EQ(joined({}), "");
}

}  // namespace
}  // namespace kerf
