// The chat completions interface of OpenAI and of the many servers that speak it:
// https://platform.openai.com/docs/api-reference/chat.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

#include "synthesize/model/dialect.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

Finish finish_of(std::string_view reason) {
  if (reason == "stop" || reason == "eos") return Finish::complete;
  if (reason == "length") return Finish::length;
  if (reason == "content_filter" || reason == "refusal") return Finish::refusal;
  return Finish::other;
}

class OpenAiReader final : public ReplyReader {
 public:
  CallStep event(const ServerEvent& event) override {
    if (event.data == "[DONE]") {
      has_text = ended = true;
      return {};
    }
    const Json data = read_json(event.data);
    if (!data.is_object()) return not_json();
    return take(data, "delta");
  }

  CallStep whole(const Json& body) override {
    if (const auto choices = body.find("choices");
        !body.contains("error") && (choices == body.end() || !choices->is_array() || choices->empty())) {
      return not_json();
    }
    const CallStep step = take(body, "message");
    has_text = ended = true;
    return step;
  }

 private:
  static CallStep not_json() {
    return std::unexpected(CallTrouble{
        .error = {.kind = ErrorKind::unavailable, .message = "its reply is no completion of the openai interface"}});
  }

  CallStep take(const Json& data, const char* holder) {
    if (const auto error = data.find("error"); error != data.end() && !error->is_null())
      return std::unexpected(trouble_within(*error));
    if (const std::string model = text_in(data, "model"); !model.empty()) reply.model = model;
    usage(data);
    const auto choices = data.find("choices");
    if (choices == data.end() || !choices->is_array() || choices->empty() || !choices->front().is_object()) return {};
    const Json& choice = choices->front();
    if (const auto delta = choice.find(holder); delta != choice.end() && delta->is_object()) {
      reply.text += text_in(*delta, "content");
      if (const std::string refusal = text_in(*delta, "refusal"); !refusal.empty()) {
        reply.text += refusal;
        refused_ = true;
      }
      const std::string reasoning = text_in(*delta, "reasoning_content");
      reply.reasoning += reasoning.empty() ? text_in(*delta, "reasoning") : reasoning;
    }
    if (const std::string reason = text_in(choice, "finish_reason"); !reason.empty()) {
      reply.finish = finish_of(reason);
      has_text = true;
    }
    if (refused_) reply.finish = Finish::refusal;
    return {};
  }

  void usage(const Json& data) {
    const auto found = data.find("usage");
    if (found == data.end() || !found->is_object()) return;
    ModelUsage& u = reply.usage;
    u.tokens_in = std::max(u.tokens_in, tokens_of(*found, "prompt_tokens"));
    u.tokens_out = std::max(u.tokens_out, tokens_of(*found, "completion_tokens"));
    if (const auto details = found->find("prompt_tokens_details"); details != found->end() && details->is_object()) {
      u.cached_in = std::max(u.cached_in, tokens_of(*details, "cached_tokens"));
      u.written_in = std::max(u.written_in, tokens_of(*details, "cache_write_tokens"));
    }
    has_input_usage = has_input_usage || found->contains("prompt_tokens");
    has_output_usage = has_output_usage || found->contains("completion_tokens");
  }
  bool refused_ = false;
};

class OpenAi final : public Dialect {
 public:
  explicit OpenAi(bool own_server) : own_server_(own_server) {}
  std::string path() const override { return "/chat/completions"; }
  [[nodiscard]] std::string models_path() const override { return "/models"; }

  Result<Json> body(const std::string& model, const ModelRequest& request, bool stream) const override {
    Json messages = Json::array();
    if (std::string system = joined(request.system); !system.empty())
      messages.push_back({{"role", "system"}, {"content", std::move(system)}});
    for (const Message& m : request.messages) {
      std::string text = joined(m.parts);
      if (text.empty()) return user_error("a message to the model is empty");
      messages.push_back({{"role", m.role == Speaker::user ? "user" : "assistant"}, {"content", std::move(text)}});
    }
    Json body = {{"model", model}, {"messages", std::move(messages)}};
    // The provider's reasoning models refuse the old name, many compatible servers do not know the new one.
    body[own_server_ ? "max_completion_tokens" : "max_tokens"] = request.settings.max_tokens;
    if (stream) {
      body["stream"] = true;
      body["stream_options"] = {{"include_usage", true}};
    }
    if (request.settings.temperature) body["temperature"] = *request.settings.temperature;
    if (const std::string& effort = request.settings.effort; !effort.empty()) {
      if (std::ranges::all_of(effort, [](char c) { return c >= '0' && c <= '9'; }))
        return user_error(
            fmt::format("effort {}: openai takes a word (low, medium, high), no number of tokens", effort));
      body["reasoning_effort"] = effort;
    }
    return body;
  }

  void authorize(HttpRequest& request, Secret key) const override {
    request.secrets.push_back({.name = "authorization", .prefix = "Bearer ", .value = std::move(key)});
  }
  void add_headers(HttpRequest&) const override {}
  std::unique_ptr<ReplyReader> reader() const override { return std::make_unique<OpenAiReader>(); }

 private:
  bool own_server_;
};

}  // namespace

std::unique_ptr<Dialect> make_openai_dialect(bool own_server) { return std::make_unique<OpenAi>(own_server); }

}  // namespace kerf
