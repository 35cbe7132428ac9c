#include "synthesize/model/http_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "problem/json_fields.h"
#include "synthesize/model/server_check.h"

namespace kerf {

namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t error_body = std::size_t{64} << 10;  // bytes of an answer other than 200 that are looked at
constexpr milliseconds after_end{1'000};                   // a stream that said it has ended closes within that
constexpr int tries_unreached = 3;                         // while no call has ever reached the server

void add(ModelUsage& total, const ModelUsage& more) {
  total.tokens_in += more.tokens_in;
  total.tokens_out += more.tokens_out;
  total.cached_in += more.cached_in;
  total.written_in += more.written_in;
}

// What a body is, whatever its content type says.
enum class Shape : std::uint8_t { unknown, stream, json, neither };
Shape shape_of(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == body.npos) return Shape::unknown;
  body.remove_prefix(first);
  if (body.front() == '{') return Shape::json;
  for (const std::string_view start : {"data:", "event:", ":", "id:", "retry:"}) {
    if (body.starts_with(start)) return Shape::stream;
    if (start.starts_with(body)) return Shape::unknown;  // too short to tell
  }
  return Shape::neither;
}

class HttpModel final : public Model {
 public:
  HttpModel(HttpModelSetup setup, ModelParts parts, const ModelOptions& options)
      : setup_(std::move(setup)),
        parts_(parts),
        retries_(options.retries),
        limits_(options.http),
        check_(setup_, parts.http, parts.clock) {}
  ~HttpModel() override {
    while (!calls_.empty()) cancel(calls_.begin()->first);
  }

  Ticket complete(const ModelRequest& request, OnReply on_reply) override {
    const Ticket ticket = ++last_ticket_;
    Call& call = calls_[ticket];
    call.on_reply = std::move(on_reply);
    call.started = parts_.clock.now();
    const auto body = setup_.dialect->body(setup_.model, request, true);
    if (!body) {
      call.timer = parts_.loop.after(milliseconds(0),
                                     [this, ticket, error = body.error()] { end(ticket, std::unexpected(error)); });
      return ticket;
    }
    call.body = body->dump(-1, ' ', false, Json::error_handler_t::replace);
    call_out(ticket);
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    quiet(found->second);
    calls_.erase(found);
  }

  void check(OnChecked done) override { check_.start(std::move(done)); }

  [[nodiscard]] std::string name() const override { return setup_.name; }

 private:
  struct Call {
    OnReply on_reply;
    std::string body;
    Nanoseconds started{0};
    int tries = 0;
    ModelUsage lost;  // of tries that came to nothing
    Loop::Timer timer = 0;
    // The try that is under way.
    Http::Ticket http = 0;
    HttpHead head;
    Shape shape = Shape::unknown;
    std::string collected;  // of a body that is no stream
    EventStream events;
    std::unique_ptr<ReplyReader> reader;
  };

  void quiet(Call& call) {
    if (call.timer != 0) parts_.loop.forget(std::exchange(call.timer, 0));
    if (call.http != 0) parts_.http.cancel(std::exchange(call.http, 0));
  }

  void call_out(Ticket ticket) {
    Call& call = calls_.at(ticket);
    ++call.tries;
    call.timer = 0;
    call.head = {};
    call.shape = Shape::unknown;
    call.collected.clear();
    call.events = {};
    call.reader = setup_.dialect->reader();
    HttpRequest request{
        .method = "POST",
        .url = setup_.base_url + setup_.dialect->path(),
        .headers = {{"content-type", "application/json"}, {"accept", "text/event-stream, application/json"}},
        .body = call.body,
        .limits = limits_};
    setup_.dialect->add_headers(request);
    if (setup_.key) setup_.dialect->authorize(request, *setup_.key);
    call.http = parts_.http.send(std::move(request),
                                 {.on_head = [this, ticket](const HttpHead& head) { calls_.at(ticket).head = head; },
                                  .on_body = [this, ticket](std::string_view bytes) { on_body(ticket, bytes); },
                                  .on_end = [this, ticket](auto result) { on_end(ticket, std::move(result)); }});
  }

  void on_body(Ticket ticket, std::string_view bytes) {
    Call& call = calls_.at(ticket);
    if (call.head.status != 200) {
      if (call.collected.size() < error_body)
        call.collected.append(bytes.substr(0, error_body - call.collected.size()));
      return;
    }
    if (call.shape != Shape::stream) {
      call.collected.append(bytes);
      if (call.shape == Shape::unknown) call.shape = shape_of(call.collected);
      if (call.shape == Shape::neither) return settle(ticket, std::unexpected(no_reply(call)));
      if (call.shape != Shape::stream) return;
      const std::string begun = std::exchange(call.collected, {});
      return take(ticket, begun, false);
    }
    take(ticket, bytes, false);
  }

  // Events out of a stream's bytes, or out of its end.
  void take(Ticket ticket, std::string_view bytes, bool at_end) {
    Call& call = calls_.at(ticket);
    std::optional<CallTrouble> trouble;
    const auto on_event = [&](const ServerEvent& event) {
      if (trouble || call.reader->ended) return;
      if (CallStep step = call.reader->event(event); !step) trouble = std::move(step.error());
    };
    const Result<> fed = at_end ? call.events.finish(on_event) : call.events.feed(bytes, on_event);
    if (at_end) return;  // half an event at the end is a stream that was cut off, which the caller sees
    if (!fed) {
      Error error = fed.error();
      error.message = setup_.asked.host + ": " + error.message;
      trouble = CallTrouble{.error = std::move(error)};
    }
    if (trouble) return settle(ticket, std::unexpected(*std::move(trouble)));
    if (call.reader->ended && call.timer == 0) {
      call.timer = parts_.loop.after(after_end, [this, ticket] {
        calls_.at(ticket).timer = 0;
        settle(ticket, {});
      });
    }
  }

  void on_end(Ticket ticket, std::expected<void, HttpFailure> result) {
    Call& call = calls_.at(ticket);
    call.http = 0;
    if (call.head.status != 0) reached_ = true;
    if (call.head.status == 200 && call.shape == Shape::stream) {
      if (result) take(ticket, {}, true);
      if (call.reader->has_text) return settle(ticket, {});
    }
    if (!result) return settle(ticket, std::unexpected(trouble_of_transport(result.error())));
    if (call.head.status != 200) {
      return settle(
          ticket, std::unexpected(trouble_of_answer(setup_.asked, call.head, call.collected, parts_.clock.unix_ms())));
    }
    if (call.shape == Shape::json) {
      const Json body = read_json(call.collected);
      return settle(ticket, body.is_object() ? call.reader->whole(body) : std::unexpected(no_reply(call)));
    }
    // An empty body, or a stream that ended before its reply did.
    settle(
        ticket,
        std::unexpected(CallTrouble{
            .error = {.kind = ErrorKind::unavailable,
                      .message = call.shape == Shape::stream
                                     ? fmt::format("{} ended its stream before the reply was whole", setup_.asked.host)
                                     : fmt::format("{} sent an empty reply", setup_.asked.host)},
            .again = true}));
  }

  CallTrouble no_reply(const Call& call) const {
    const std::string type = excerpt(call.head.header("content-type"));
    return {.error = {.kind = ErrorKind::unavailable,
                      .message = fmt::format("{} sent no JSON but {}: is the address right?", setup_.asked.host,
                                             type.empty() ? "something else" : type)}};
  }

  // One try is over, for good or bad.
  void settle(Ticket ticket, CallStep step) {
    Call& call = calls_.at(ticket);
    quiet(call);
    if (step) return succeed(ticket);
    add(call.lost, charged(call));
    CallTrouble& trouble = step.error();
    if (setup_.key) trouble.error.message = setup_.key->redact(std::move(trouble.error.message));
    const bool patient = reached_ || call.tries < tries_unreached;
    if (trouble.again && patient && call.tries < retries_.tries) {
      if (const auto wait = wait_before_retry(retries_, call.tries, trouble.wait, parts_.random)) {
        call.timer = parts_.loop.after(*wait, [this, ticket] { call_out(ticket); });
        return;
      }
      trouble.error.message += fmt::format("; it asks to wait {} min", trouble.wait->count() / 60'000);
    } else if (call.tries > 1) {
      trouble.error.message += fmt::format(" (after {} tries)", call.tries);
    }
    if (call.lost.tokens_in + call.lost.tokens_out > 0) {
      charge(call.lost, setup_.price, false);
      note_charges(trouble.error, call.lost);
    }
    end(ticket, std::unexpected(std::move(trouble.error)));
  }

  void succeed(Ticket ticket) {
    Call& call = calls_.at(ticket);
    ReplyReader& reader = *call.reader;
    ModelReply reply = std::move(reader.reply);
    const bool told = reader.has_input_usage && reader.has_output_usage;
    if (!reader.has_input_usage) reply.usage.tokens_in = estimated_tokens(call.body.size());
    if (!reader.has_output_usage) reply.usage.tokens_out = estimated_tokens(reply.text.size() + reply.reasoning.size());
    add(reply.usage, call.lost);
    if (told) charge(reply.usage, setup_.price, false);
    if (reply.model.empty()) reply.model = setup_.model;
    reply.seconds = seconds(parts_.clock.now() - call.started);
    reply.retries = call.tries - 1;
    end(ticket, std::move(reply));
  }

  // What a broken try has cost as far as that is known: the prompt when its stream had begun, and the reply as far as
  // it came.
  static ModelUsage charged(const Call& call) {
    if (call.reader == nullptr || call.head.status != 200) return {};
    const ModelReply& reply = call.reader->reply;
    const std::size_t bytes = reply.text.size() + reply.reasoning.size();
    if (!call.reader->has_input_usage && bytes == 0) return {};
    ModelUsage usage = reply.usage;
    if (!call.reader->has_input_usage) usage.tokens_in = estimated_tokens(call.body.size());
    if (!call.reader->has_output_usage) usage.tokens_out = std::max(usage.tokens_out, estimated_tokens(bytes));
    return usage;
  }

  void end(Ticket ticket, Result<ModelReply> result) {
    const auto found = calls_.find(ticket);
    OnReply on_reply = std::move(found->second.on_reply);
    calls_.erase(found);
    on_reply(std::move(result));
  }

  HttpModelSetup setup_;
  ModelParts parts_;
  RetryPolicy retries_;
  HttpLimits limits_;
  std::map<Ticket, Call> calls_;
  Ticket last_ticket_ = 0;
  bool reached_ = false;
  ServerCheck check_;
};

}  // namespace

std::optional<milliseconds> wait_before_retry(const RetryPolicy& policy, int tried, std::optional<milliseconds> asked,
                                              Random& random) {
  if (asked && *asked > policy.patience) return std::nullopt;
  const double whole = std::min(static_cast<double>(policy.longest_wait.count()),
                                static_cast<double>(policy.first_wait.count()) * std::exp2(tried - 1));
  const milliseconds own(static_cast<std::int64_t>(whole * (0.5 + 0.5 * random.uniform())));
  // What the server asks for is the same for all that it turned away: they must not come back together either.
  return asked ? *asked + own / 4 : own;
}

void note_charges(Error& error, const ModelUsage& usage) {
  error.facts.emplace_back("tokens_in", std::to_string(usage.tokens_in));
  error.facts.emplace_back("tokens_out", std::to_string(usage.tokens_out));
  error.facts.emplace_back("cached_in", std::to_string(usage.cached_in));
  error.facts.emplace_back("written_in", std::to_string(usage.written_in));
  if (usage.usd) error.facts.emplace_back("usd", fmt::format("{}", *usage.usd));
}

ModelUsage charges_of(const Error& error) {
  ModelUsage usage;
  for (const auto& [name, value] : error.facts) {
    const Json number = read_json(value);
    if (!number.is_number()) continue;
    if (name == "tokens_in") usage.tokens_in = number.get<std::int64_t>();
    if (name == "tokens_out") usage.tokens_out = number.get<std::int64_t>();
    if (name == "cached_in") usage.cached_in = number.get<std::int64_t>();
    if (name == "written_in") usage.written_in = number.get<std::int64_t>();
    if (name == "usd") usage.usd = number.get<double>();
  }
  return usage;
}

std::unique_ptr<Model> make_http_model(HttpModelSetup setup, ModelParts parts, const ModelOptions& options) {
  return std::make_unique<HttpModel>(std::move(setup), parts, options);
}

}  // namespace kerf
