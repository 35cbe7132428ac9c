#include "synthesize/model/model_json.h"

#include <nlohmann/json.hpp>

namespace kerf {

namespace {

using Json = nlohmann::json;

Json to_json(const std::vector<Part>& parts) {
  Json list = Json::array();
  for (const Part& part : parts) {
    Json one = {{"text", part.text}};
    if (part.cache) one["cache"] = true;
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<Part> parts_from(const Json& list) {
  std::vector<Part> parts;
  for (const Json& one : list) {
    parts.push_back({.text = one.at("text").get<std::string>(), .cache = one.value("cache", false)});
  }
  return parts;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::optional<double> number_or_none(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? std::nullopt : std::optional(found->get<double>());
}

}  // namespace

Json to_json(const ModelRequest& request) {
  Json messages = Json::array();
  for (const Message& m : request.messages) {
    messages.push_back({{"role", m.role == Speaker::user ? "user" : "assistant"}, {"parts", to_json(m.parts)}});
  }
  return {{"system", to_json(request.system)},
          {"messages", std::move(messages)},
          {"max_tokens", request.settings.max_tokens},
          {"temperature", or_null(request.settings.temperature)},
          {"effort", request.settings.effort}};
}

Result<ModelRequest> model_request_from_json(const Json& json) {
  try {
    ModelRequest request;
    request.system = parts_from(json.at("system"));
    for (const Json& m : json.at("messages")) {
      request.messages.push_back(
          {.role = m.at("role").get<std::string>() == "user" ? Speaker::user : Speaker::assistant,
           .parts = parts_from(m.at("parts"))});
    }
    request.settings.max_tokens = json.at("max_tokens").get<std::int64_t>();
    request.settings.temperature = number_or_none(json, "temperature");
    request.settings.effort = json.value("effort", "");
    return request;
  } catch (const Json::exception& e) {
    return user_error(std::string("not a recorded request: ") + e.what());
  }
}

Json to_json(const ModelReply& reply) {
  return {{"text", reply.text},
          {"reasoning", reply.reasoning},
          {"finish", to_string(reply.finish)},
          {"usage",
           {{"tokens_in", reply.usage.tokens_in},
            {"tokens_out", reply.usage.tokens_out},
            {"cached_in", reply.usage.cached_in},
            {"written_in", reply.usage.written_in},
            {"usd", or_null(reply.usage.usd)},
            {"saved_usd", or_null(reply.usage.saved_usd)}}},
          {"model", reply.model},
          {"seconds", reply.seconds},
          {"retries", reply.retries}};
}

Result<ModelReply> model_reply_from_json(const Json& json) {
  try {
    ModelReply reply;
    reply.text = json.at("text").get<std::string>();
    reply.reasoning = json.value("reasoning", "");
    const std::string finish = json.value("finish", "complete");
    reply.finish = Finish::other;
    for (const Finish f : {Finish::complete, Finish::length, Finish::refusal, Finish::failed}) {
      if (finish == to_string(f)) reply.finish = f;
    }
    const Json usage = json.value("usage", Json::object());
    reply.usage = {.tokens_in = usage.value("tokens_in", std::int64_t{0}),
                   .tokens_out = usage.value("tokens_out", std::int64_t{0}),
                   .cached_in = usage.value("cached_in", std::int64_t{0}),
                   .written_in = usage.value("written_in", std::int64_t{0}),
                   .usd = number_or_none(usage, "usd"),
                   .saved_usd = number_or_none(usage, "saved_usd")};
    reply.model = json.value("model", "");
    reply.seconds = json.value("seconds", 0.0);
    reply.retries = json.value("retries", 0);
    return reply;
  } catch (const Json::exception& e) {
    return user_error(std::string("not a recorded reply: ") + e.what());
  }
}

}  // namespace kerf
