#include "synthesize/model/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "synthesize/model/http_model.h"
#include "synthesize/model/model_json.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

std::string text_difference(const Json& before, const Json& now) {
  const std::string a = before.value("text", ""), b = now.value("text", "");
  if (a == b) return before.value("cache", false) == now.value("cache", false) ? "" : ", its cache mark";
  const auto [at, other] = std::ranges::mismatch(a, b);
  return fmt::format(", line {}", 1 + std::count(a.begin(), at, '\n'));
}

std::string parts_difference(const Json& before, const Json& now, const std::string& where) {
  for (std::size_t i = 0; i < std::min(before.size(), now.size()); ++i) {
    if (const std::string found = text_difference(before[i], now[i]); !found.empty())
      return fmt::format("{}, part {}{}", where, i + 1, found);
  }
  if (before.size() == now.size()) return "";
  return fmt::format("{} has {} parts instead of {}", where, now.size(), before.size());
}

std::string expansion_words(Purpose purpose) {
  return fmt::format("expansion {}{}", purpose.expansion,
                     purpose.attempt > 0 ? fmt::format(", attempt {}", purpose.attempt + 1) : "");
}

}  // namespace

std::string request_difference(const Json& before, const Json& now) {
  if (!before.is_object() || !now.is_object()) return before == now ? "" : "all of it";
  const Json none = Json::array();
  const auto list = [&](const Json& request, const char* name) -> const Json& {
    const auto found = request.find(name);
    return found != request.end() && found->is_array() ? *found : none;
  };
  if (const std::string found = parts_difference(list(before, "system"), list(now, "system"), "the system prompt");
      !found.empty())
    return found;
  const Json& a = list(before, "messages");
  const Json& b = list(now, "messages");
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::string where = fmt::format("message {}", i + 1);
    if (a[i].value("role", "") != b[i].value("role", "")) return where + ", who speaks";
    if (const std::string found = parts_difference(list(a[i], "parts"), list(b[i], "parts"), where); !found.empty())
      return found;
  }
  if (a.size() != b.size()) return fmt::format("{} messages instead of {}", b.size(), a.size());
  for (const auto& [name, value] : now.items()) {
    const auto found = before.find(name);
    if (found == before.end() || *found != value) return name;
  }
  return "";
}

Result<ModelReply> answer_of(const Exchange& exchange) {
  if (exchange.reply.finish != Finish::failed) return exchange.reply;
  Error error{.kind = ErrorKind::system, .message = exchange.reply.text};
  note_charges(error, exchange.reply.usage);
  return std::unexpected(std::move(error));
}

RecordingModel::RecordingModel(std::unique_ptr<Model> model, ExchangeLog& log, Note note)
    : model_(std::move(model)), log_(log), note_(std::move(note)), self_(std::make_shared<RecordingModel*>(this)) {}

RecordingModel::~RecordingModel() { *self_ = nullptr; }

Model::Ticket RecordingModel::complete(const ModelRequest& request, OnReply reply) {
  const Ticket ticket = ++tickets_;
  Result<std::optional<Exchange>> found = log_.find(request.purpose);
  if (!found) {
    reply(std::unexpected(std::move(found).error()));
    return ticket;
  }
  Exchange exchange{.purpose = request.purpose,
                    .model = model_->name(),
                    .request_digest = request.digest(),
                    .request = to_json(request),
                    .reply = {}};
  if (*found) {
    if ((*found)->request_digest == exchange.request_digest) {
      reply(answer_of(**found));
      return ticket;
    }
    note_(fmt::format("{}: what is asked now differs from what was answered before ({}); it is asked again",
                      expansion_words(request.purpose), request_difference((*found)->request, exchange.request)));
  }
  asked_.emplace(ticket, 0);
  const Ticket inner = model_->complete(request, [self = self_, ticket, exchange = std::move(exchange),
                                                  reply = std::move(reply)](Result<ModelReply> answer) mutable {
    if (*self == nullptr) return;
    (*self)->asked_.erase(ticket);
    if (answer) {
      exchange.reply = *answer;
    } else {
      // What broken tries have cost belongs on the bill, too.
      exchange.reply = {.text = answer.error().message, .finish = Finish::failed, .usage = charges_of(answer.error())};
      if (exchange.reply.usage.tokens_in + exchange.reply.usage.tokens_out == 0) return reply(std::move(answer));
    }
    if (const Result<> kept = (*self)->log_.keep(exchange); !kept) return reply(std::unexpected(kept.error()));
    reply(std::move(answer));
  });
  // The reply may have come already.
  if (const auto it = asked_.find(ticket); it != asked_.end()) it->second = inner;
  return ticket;
}

void RecordingModel::cancel(Ticket ticket) {
  const auto it = asked_.find(ticket);
  if (it == asked_.end()) return;
  model_->cancel(it->second);
  asked_.erase(it);
}

}  // namespace kerf
