#include "synthesize/model/batch_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

TEST(BatchId, IsOfTheRequestAndItsPurposeAndShortEnough) {
  ModelRequest request{.purpose = {.expansion = 18'000'000'000'000'000'000U, .attempt = 99}};
  EXPECT_LE(batch_id(request).size(), 64U);
  const std::string first = batch_id(request);
  request.purpose.attempt = 98;
  EXPECT_NE(batch_id(request), first);
  request.purpose.attempt = 99;
  EXPECT_EQ(batch_id(request), first);
  request.messages = {{.parts = {{.text = "x"}}}};
  EXPECT_NE(batch_id(request), first);
}

TEST(AnthropicBatch, JoinsLinesAndReadsEveryKindOfAnswer) {
  const auto batch = make_anthropic_batch_dialect();
  const std::string lines = batch->line("a", {{"x", 1}}).dump() + "\n" + batch->line("b", {{"x", 2}}).dump() + "\n";
  EXPECT_EQ(Json::parse(batch->creation(lines, "").body),
            Json::parse(R"({"requests":[{"custom_id":"a","params":{"x":1}},{"custom_id":"b","params":{"x":2}}]})"));
  EXPECT_FALSE(batch->upload(lines));
  const auto good = batch->answer(Json::parse(
      R"({"custom_id":"a","result":{"type":"succeeded","message":{"content":[{"type":"text","text":"k"}],"stop_reason":"end_turn"}}})"));
  EXPECT_EQ(good->id, "a");
  EXPECT_EQ((*good->reader)->reply.text, "k");
  const auto bad = batch->answer(Json::parse(
      R"({"custom_id":"b","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"too long"}}}})"));
  EXPECT_THAT(bad->reader.error().error.message, HasSubstr("too long"));
  EXPECT_THAT(
      batch->answer(Json::parse(R"({"custom_id":"c","result":{"type":"expired"}})"))->reader.error().error.message,
      HasSubstr("expired"));
  EXPECT_FALSE(batch->answer(Json::parse("[]")));
  EXPECT_FALSE(batch->state(Json::parse(R"({"id":"m","processing_status":"in_progress"})")).ended);
  const BatchState done = batch->state(
      Json::parse(R"({"id":"m","processing_status":"ended","results_url":"https://elsewhere.com/steal"})"));
  EXPECT_EQ(done.results, std::vector<std::string>{"/v1/messages/batches/m/results"});
}

TEST(OpenAiBatch, UploadsAFileAndReadsEveryKindOfAnswer) {
  const auto batch = make_openai_batch_dialect();
  const std::string lines = batch->line("a", {{"model", "--kerf-batch"}}).dump() + "\n";
  EXPECT_EQ(Json::parse(lines)["url"], "/v1/chat/completions");
  const auto upload = batch->upload(lines);
  EXPECT_THAT(upload->content_type, HasSubstr("boundary=kerf-batch-x"));  // the plain one stands in the text
  EXPECT_THAT(upload->body, HasSubstr(lines));
  EXPECT_EQ(Json::parse(batch->creation(lines, "file-1").body)["input_file_id"], "file-1");
  const auto good = batch->answer(Json::parse(
      R"({"custom_id":"a","error":null,"response":{"status_code":200,"body":{"choices":[{"message":{"content":"k"},"finish_reason":"stop"}]}}})"));
  EXPECT_EQ((*good->reader)->reply.text, "k");
  const auto bad = batch->answer(Json::parse(
      R"({"custom_id":"b","response":{"status_code":400,"body":{"error":{"message":"too long","type":"invalid_request_error"}}}})"));
  EXPECT_THAT(bad->reader.error().error.message, HasSubstr("too long"));
  EXPECT_FALSE(batch
                   ->answer(Json::parse(
                       R"({"custom_id":"c","response":null,"error":{"code":"batch_expired","message":"late"}})"))
                   ->reader);
  EXPECT_TRUE(batch->state(Json::parse(R"({"status":"failed","errors":{"data":[{"message":"bad line"}]}})")).failed);
  const BatchState done =
      batch->state(Json::parse(R"({"status":"completed","output_file_id":"o","error_file_id":"e"})"));
  EXPECT_EQ(done.results, (std::vector<std::string>{"/files/o/content", "/files/e/content"}));
}

}  // namespace
}  // namespace kerf
