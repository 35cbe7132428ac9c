#include "synthesize/model/batch_dialect.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace kerf {

namespace {

using Json = nlohmann::json;

const Json& object_of(const Json& json, const char* name) {
  static const Json none = Json::object();
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? *found : none;
}

CallTrouble lost(std::string message) {
  return {.error = {.kind = ErrorKind::unavailable, .message = std::move(message)}};
}

std::expected<std::unique_ptr<ReplyReader>, CallTrouble> read_whole(const Dialect& dialect, const Json& body) {
  auto reader = dialect.reader();
  if (CallStep step = reader->whole(body); !step) return std::unexpected(std::move(step.error()));
  return reader;
}

class AnthropicBatch final : public BatchDialect {
 public:
  Json line(const std::string& id, Json body) const override {
    return {{"custom_id", id}, {"params", std::move(body)}};
  }

  std::optional<BatchAnswer> answer(const Json& line) const override {
    if (!line.is_object() || !line.contains("result")) return std::nullopt;
    const Json& result = object_of(line, "result");
    const std::string type = text_in(result, "type");
    BatchAnswer answer{.id = text_in(line, "custom_id"),
                       .reader = std::unexpected(lost("the batch's answer is " + type))};
    if (type == "succeeded") {
      answer.reader = read_whole(*dialect_, object_of(result, "message"));
    } else if (type == "errored") {
      const Json& error = object_of(result, "error");  // {"type": "error", "error": {…}}, or the inner one alone
      answer.reader = std::unexpected(trouble_within(error.contains("error") ? error["error"] : error));
    }
    return answer;
  }

  std::optional<BatchPost> upload(const std::string&) const override { return std::nullopt; }

  BatchPost creation(const std::string& lines, const std::string&) const override {
    std::string body = R"({"requests":[)";  // joined as text: it may be large
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = std::min(lines.find('\n', at), lines.size());
      if (at > 0) body += ',';
      body.append(lines, at, end - at);
      at = end + 1;
    }
    return {.path = "/v1/messages/batches", .content_type = "application/json", .body = body + "]}"};
  }

  std::string state_path(const std::string& batch) const override { return "/v1/messages/batches/" + batch; }

  BatchState state(const Json& body) const override {
    BatchState state{.ended = text_in(body, "processing_status") == "ended"};
    // Not its results_url: a key goes to no address that an answer names.
    if (state.ended) state.results.push_back(state_path(text_in(body, "id")) + "/results");
    return state;
  }

 private:
  std::unique_ptr<Dialect> dialect_ = make_anthropic_dialect();
};

class OpenAiBatch final : public BatchDialect {
 public:
  Json line(const std::string& id, Json body) const override {
    return {{"custom_id", id}, {"method", "POST"}, {"url", "/v1/chat/completions"}, {"body", std::move(body)}};
  }

  std::optional<BatchAnswer> answer(const Json& line) const override {
    if (!line.is_object() || (!line.contains("response") && !line.contains("error"))) return std::nullopt;
    BatchAnswer answer{.id = text_in(line, "custom_id"),
                       .reader = std::unexpected(lost("the batch has no answer to it"))};
    const Json& response = object_of(line, "response");
    if (const Json& body = object_of(response, "body"); !body.empty()) {
      answer.reader = read_whole(*dialect_, body);
    } else if (const Json& error = object_of(line, "error"); !error.empty()) {
      answer.reader = std::unexpected(trouble_within(error));
    }
    return answer;
  }

  std::optional<BatchPost> upload(const std::string& lines) const override {
    std::string boundary = "kerf-batch";
    while (lines.find("--" + boundary) != lines.npos) boundary += "-x";
    return BatchPost{
        .path = "/files",
        .content_type = "multipart/form-data; boundary=" + boundary,
        .body = fmt::format("--{0}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{0}\r\n"
                            "Content-Disposition: form-data; name=\"file\"; filename=\"requests.jsonl\"\r\n"
                            "Content-Type: application/jsonl\r\n\r\n{1}\r\n--{0}--\r\n",
                            boundary, lines)};
  }

  BatchPost creation(const std::string&, const std::string& file) const override {
    return {
        .path = "/batches",
        .content_type = "application/json",
        .body =
            Json{{"input_file_id", file}, {"endpoint", "/v1/chat/completions"}, {"completion_window", "24h"}}.dump()};
  }

  std::string state_path(const std::string& batch) const override { return "/batches/" + batch; }

  BatchState state(const Json& body) const override {
    const std::string status = text_in(body, "status");
    BatchState state{.ended =
                         status == "completed" || status == "expired" || status == "cancelled" || status == "failed"};
    for (const char* name : {"output_file_id", "error_file_id"}) {
      if (const std::string file = text_in(body, name); !file.empty() && state.ended)
        state.results.push_back("/files/" + file + "/content");
    }
    if (state.ended && state.results.empty()) {
      const Json& errors = object_of(body, "errors");
      const auto data = errors.find("data");
      const std::string why = data != errors.end() && data->is_array() && !data->empty() && data->front().is_object()
                                  ? ": " + excerpt(text_in(data->front(), "message"))
                                  : "";
      state.failed = Error{.kind = ErrorKind::unavailable, .message = fmt::format("the batch {}{}", status, why)};
    }
    return state;
  }

 private:
  std::unique_ptr<Dialect> dialect_ = make_openai_dialect(true);
};

}  // namespace

std::string batch_id(const ModelRequest& request) {
  return fmt::format("{}-{}-{}", request.digest().substr(0, 32), request.purpose.expansion, request.purpose.attempt);
}

std::unique_ptr<BatchDialect> make_anthropic_batch_dialect() { return std::make_unique<AnthropicBatch>(); }
std::unique_ptr<BatchDialect> make_openai_batch_dialect() { return std::make_unique<OpenAiBatch>(); }

}  // namespace kerf
