// Anthropic's messages interface, version 2023-06-01: https://platform.claude.com/docs/en/api/messages,
// …/build-with-claude/{streaming,prompt-caching,effort,handling-stop-reasons}.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

#include "synthesize/model/dialect.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

constexpr int most_markers = 4;              // of caching in a request
constexpr std::int64_t least_budget = 1024;  // of reasoning, in tokens

Finish finish_of(std::string_view reason) {
  if (reason == "end_turn" || reason == "stop_sequence") return Finish::complete;
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") return Finish::length;
  if (reason == "refusal") return Finish::refusal;
  return Finish::other;
}

// The last marks count: each covers all that stands before it.
class Markers {
 public:
  explicit Markers(const ModelRequest& request) {
    for (const Part& p : request.system) asked_ += p.cache && !p.text.empty() ? 1 : 0;
    for (const Message& m : request.messages) {
      for (const Part& p : m.parts) asked_ += p.cache && !p.text.empty() ? 1 : 0;
    }
  }
  bool take() { return seen_++ >= asked_ - most_markers; }

 private:
  int asked_ = 0;
  int seen_ = 0;
};

Json blocks(const std::vector<Part>& parts, Markers& markers) {
  Json list = Json::array();
  for (const Part& part : parts) {
    if (part.text.empty()) continue;  // refused by the provider
    Json block = {{"type", "text"}, {"text", part.text}};
    if (part.cache && markers.take()) block["cache_control"] = {{"type", "ephemeral"}};
    list.push_back(std::move(block));
  }
  return list;
}

class AnthropicReader final : public ReplyReader {
 public:
  CallStep event(const ServerEvent& event) override {
    const Json data = read_json(event.data);
    if (!data.is_object()) return not_json();
    const std::string type = text_in(data, "type");
    if (type == "message_start") {
      if (const auto message = data.find("message"); message != data.end() && message->is_object()) {
        reply.model = text_in(*message, "model");
        usage(*message);
      }
    } else if (type == "content_block_start") {
      if (const auto block = data.find("content_block"); block != data.end() && block->is_object()) content(*block);
    } else if (type == "content_block_delta") {
      if (const auto delta = data.find("delta"); delta != data.end() && delta->is_object()) content(*delta);
    } else if (type == "message_delta") {
      if (const auto delta = data.find("delta"); delta != data.end() && delta->is_object()) {
        if (const std::string reason = text_in(*delta, "stop_reason"); !reason.empty()) {
          reply.finish = finish_of(reason);
          has_text = true;
        }
      }
      usage(data);
    } else if (type == "message_stop") {
      has_text = ended = true;
    } else if (type == "error") {
      return std::unexpected(trouble_within(data.value("error", Json())));
    }
    return {};
  }

  CallStep whole(const Json& body) override {
    if (text_in(body, "type") == "error") return std::unexpected(trouble_within(body.value("error", Json())));
    const auto list = body.find("content");
    if (list == body.end() || !list->is_array()) return not_json();
    for (const Json& block : *list) {
      if (block.is_object()) content(block);
    }
    reply.model = text_in(body, "model");
    reply.finish = finish_of(text_in(body, "stop_reason"));
    usage(body);
    has_text = ended = true;
    return {};
  }

 private:
  static CallStep not_json() {
    return std::unexpected(CallTrouble{
        .error = {.kind = ErrorKind::unavailable, .message = "its reply is no message of the anthropic interface"}});
  }
  void content(const Json& block) {
    reply.text += text_in(block, "text");
    reply.reasoning += text_in(block, "thinking");
  }
  // Figures are totals so far; those that are not repeated stand.
  void usage(const Json& holder) {
    const auto found = holder.find("usage");
    if (found == holder.end() || !found->is_object()) return;
    ModelUsage& u = reply.usage;
    fresh_ = std::max(fresh_, tokens_of(*found, "input_tokens"));
    u.cached_in = std::max(u.cached_in, tokens_of(*found, "cache_read_input_tokens"));
    u.written_in = std::max(u.written_in, tokens_of(*found, "cache_creation_input_tokens"));
    u.tokens_in = fresh_ + u.cached_in + u.written_in;
    u.tokens_out = std::max(u.tokens_out, tokens_of(*found, "output_tokens"));
    has_input_usage = has_input_usage || u.tokens_in > 0;
    // A stream's first figure for the reply is of its first tokens only.
    has_output_usage = has_output_usage || holder.contains("delta") || holder.contains("stop_reason");
  }
  std::int64_t fresh_ = 0;
};

class Anthropic final : public Dialect {
 public:
  std::string path() const override { return "/v1/messages"; }
  [[nodiscard]] std::string models_path() const override { return "/v1/models"; }

  Result<Json> body(const std::string& model, const ModelRequest& request, bool stream) const override {
    Json body = {{"model", model}, {"max_tokens", request.settings.max_tokens}};
    if (stream) body["stream"] = true;
    Markers markers(request);
    if (Json system = blocks(request.system, markers); !system.empty()) body["system"] = std::move(system);
    Json messages = Json::array();
    for (const Message& m : request.messages) {
      Json content = blocks(m.parts, markers);
      if (content.empty()) return user_error("a message to the model is empty");
      messages.push_back({{"role", m.role == Speaker::user ? "user" : "assistant"}, {"content", std::move(content)}});
    }
    body["messages"] = std::move(messages);
    if (request.settings.temperature) body["temperature"] = *request.settings.temperature;
    if (const std::string& effort = request.settings.effort; !effort.empty()) {
      std::int64_t tokens = 0;
      const auto [end, code] = std::from_chars(effort.data(), effort.data() + effort.size(), tokens);
      if (code == std::errc() && end == effort.data() + effort.size()) {
        if (tokens < least_budget || tokens >= request.settings.max_tokens) {
          return user_error(fmt::format("effort {}: anthropic takes {} to {} tokens of reasoning with a reply of {}",
                                        effort, least_budget, request.settings.max_tokens - 1,
                                        request.settings.max_tokens));
        }
        body["thinking"] = {{"type", "enabled"}, {"budget_tokens", tokens}};
      } else {
        body["thinking"] = {{"type", "adaptive"}};
        body["output_config"] = {{"effort", effort}};
      }
    }
    return body;
  }

  void authorize(HttpRequest& request, Secret key) const override {
    request.secrets.push_back({.name = "x-api-key", .prefix = "", .value = std::move(key)});
  }
  void add_headers(HttpRequest& request) const override {
    request.headers.emplace_back("anthropic-version", "2023-06-01");
  }
  std::unique_ptr<ReplyReader> reader() const override { return std::make_unique<AnthropicReader>(); }
};

}  // namespace

std::unique_ptr<Dialect> make_anthropic_dialect() { return std::make_unique<Anthropic>(); }

}  // namespace kerf
