#include "synthesize/model/batch_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/paths.h"
#include "problem/json_fields.h"
#include "synthesize/model/batch_folder.h"
#include "synthesize/model/server_check.h"

namespace kerf {

namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds folder_poll{2'000};  // of a folder alone: nobody is asked
constexpr milliseconds first_poll{5'000};   // after a batch has left; then half as often each time, up to batch_poll

class BatchModel final : public Model {
 public:
  BatchModel(HttpModelSetup setup, std::unique_ptr<BatchDialect> batch, bool courier, ModelParts parts,
             const ModelOptions& options)
      : setup_(std::move(setup)),
        batch_(std::move(batch)),
        courier_(courier),
        parts_(parts),
        options_(options),
        folder_(options.batch_folder),
        check_(setup_, parts.http, parts.clock) {}
  ~BatchModel() override {
    for (const Loop::Timer timer : {gather_timer_, poll_timer_}) {
      if (timer != 0) parts_.loop.forget(timer);
    }
    for (const auto& [ticket, call] : calls_) {
      if (call.timer != 0) parts_.loop.forget(call.timer);
    }
    for (const Http::Ticket ticket : under_way_) parts_.http.cancel(ticket);
  }

  // What earlier processes left in the folder.
  Result<> open() {
    TRY(folder_.open());
    if (const auto batch = courier_ ? folder_.unsettled() : std::nullopt) {
      return user_error(
          fmt::format("it is not known whether {0}.jsonl in {1} reached {2}: look there; then write the "
                      "batch's id to {0}.sent, or delete {0}.sending to send it again",
                      *batch, options_.batch_folder.string(), setup_.asked.host));
    }
    return {};
  }

  Ticket complete(const ModelRequest& request, OnReply on_reply) override {
    const Ticket ticket = ++last_ticket_;
    Call& call = calls_[ticket];
    call.on_reply = std::move(on_reply);
    call.started = parts_.clock.now();
    call.id = batch_id(request);
    if (!folder_.batch_of(call.id)) {
      auto body = setup_.dialect->body(setup_.model, request, false);
      if (!body) {
        call.timer = parts_.loop.after(milliseconds(0),
                                       [this, ticket, error = body.error()] { end(ticket, std::unexpected(error)); });
        return ticket;
      }
      gathered_[call.id] = batch_->line(call.id, std::move(*body)).dump(-1, ' ', false, Json::error_handler_t::replace);
      if (gather_timer_ == 0) gather_timer_ = parts_.loop.after(options_.batch_gather, [this] { leave(); });
    } else {
      // Asked by an earlier process, or twice: its answer may be there.
      call.timer = parts_.loop.after(milliseconds(0), [this, ticket] {
        calls_.at(ticket).timer = 0;
        folder_.read_again();
        poll();
      });
    }
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    if (found->second.timer != 0) parts_.loop.forget(found->second.timer);
    const std::string id = found->second.id;
    calls_.erase(found);
    if (!is_awaited(id)) gathered_.erase(id);  // what has left is paid for, and its answer will be kept in the folder
    rest_if_idle();
  }

  void check(OnChecked done) override {
    if (!courier_) return done(std::string());
    check_.start(std::move(done));
  }

  [[nodiscard]] std::string name() const override { return setup_.name; }

 private:
  struct Call {
    OnReply on_reply;
    Nanoseconds started{0};
    std::string id;
    Loop::Timer timer = 0;
  };

  [[nodiscard]] bool is_awaited(const std::string& id) const {
    return std::ranges::any_of(calls_, [&](const auto& entry) { return entry.second.id == id; });
  }

  // Nobody waits: no timer may keep the loop going.
  void rest_if_idle() {
    if (!calls_.empty()) return;
    if (poll_timer_ != 0) parts_.loop.forget(std::exchange(poll_timer_, 0));
    if (gather_timer_ != 0 && gathered_.empty()) parts_.loop.forget(std::exchange(gather_timer_, 0));
  }

  // What was gathered becomes a file, and goes out if somebody carries it.
  void leave() {
    gather_timer_ = 0;
    if (gathered_.empty()) return;
    const auto lines = std::exchange(gathered_, {});
    if (const auto written = folder_.add(lines); !written) return fail_ids(lines, written.error());
    poll_wait_ = first_poll;
    poll();
  }

  void poll() {
    if (poll_timer_ != 0) parts_.loop.forget(std::exchange(poll_timer_, 0));
    scan();
    if (calls_.empty()) return;
    if (courier_) {
      for (const std::string& stem : awaited_batches()) carry(stem);
    }
    if (calls_.empty() || poll_timer_ != 0) return;
    const milliseconds wait = std::min(options_.batch_poll, courier_ ? poll_wait_ : folder_poll);
    poll_timer_ = parts_.loop.after(wait, [this, wait] {
      poll_timer_ = 0;
      poll_wait_ = 2 * wait;
      poll();
    });
  }

  [[nodiscard]] std::set<std::string> awaited_batches() const {
    std::set<std::string> stems;
    for (const auto& [ticket, call] : calls_) {
      if (auto batch = folder_.batch_of(call.id)) stems.insert(std::move(*batch));
    }
    return stems;
  }

  void scan() {
    for (const Json& line : folder_.new_answers()) take(line);
  }

  void take(const Json& line) {
    auto answer = batch_->answer(line);
    if (!answer) return;
    std::vector<Ticket> waiting;
    for (const auto& [ticket, call] : calls_) {
      if (call.id == answer->id) waiting.push_back(ticket);
    }
    for (const Ticket ticket : waiting) {
      if (!answer->reader) {
        Error error = answer->reader.error().error;
        if (setup_.key) error.message = setup_.key->redact(std::move(error.message));
        end(ticket, std::unexpected(std::move(error)));
        continue;
      }
      const ReplyReader& reader = **answer->reader;
      ModelReply reply = reader.reply;
      if (reader.has_input_usage && reader.has_output_usage) {
        charge(reply.usage, setup_.price, true);
      } else {
        reply.usage.tokens_out = std::max(reply.usage.tokens_out, estimated_tokens(reply.text.size()));
      }
      if (reply.model.empty()) reply.model = setup_.model;
      reply.seconds = seconds(parts_.clock.now() - calls_.at(ticket).started);
      end(ticket, std::move(reply));
    }
  }

  // One step of a batch's way: upload, make, look, fetch.
  void carry(const std::string& stem) {
    if (!carried_.insert(stem).second) return;  // a step is under way
    if (folder_.exists(stem, ".sent")) return look(stem);
    const auto lines = read_file(folder_.file(stem, ".jsonl"));
    if (!lines) return give_up(stem, lines.error());
    if (const auto upload = batch_->upload(*lines)) {
      post(
          stem, *upload, [this, stem, text = *lines](const Json& body) { create(stem, text, text_in(body, "id")); },
          true);
    } else {
      create(stem, *lines, "");
    }
  }

  void create(const std::string& stem, const std::string& lines, const std::string& uploaded) {
    if (const auto marked = write_file(folder_.file(stem, ".sending"), ""); !marked)
      return give_up(stem, marked.error());
    post(
        stem, batch_->creation(lines, uploaded),
        [this, stem](const Json& body) {
          const std::string id = text_in(body, "id");
          if (id.empty() || id.find_first_of("/?#. \n") != id.npos)
            return give_up(
                stem, {.kind = ErrorKind::unavailable, .message = setup_.asked.host + " made a batch without a name"});
          if (const auto kept = write_file(folder_.file(stem, ".sent"), id); !kept) return give_up(stem, kept.error());
          carried_.erase(stem);
        },
        false);
  }

  void look(const std::string& stem) {
    std::string id = read_file(folder_.file(stem, ".sent")).value_or("");
    while (!id.empty() && (id.back() == '\n' || id.back() == ' ')) id.pop_back();
    get(stem, batch_->state_path(id), [this, stem](const std::string& body) {
      const Json json = read_json(body);
      const BatchState state = json.is_object() ? batch_->state(json) : BatchState{};
      if (state.failed) return give_up(stem, *state.failed);
      if (!state.ended) return static_cast<void>(carried_.erase(stem));
      fetch(stem, state.results, "");
    });
  }

  void fetch(const std::string& stem, std::vector<std::string> paths, std::string text) {
    if (paths.empty()) {
      if (const auto kept = folder_.keep_answers(stem, text); !kept) return give_up(stem, kept.error());
      carried_.erase(stem);
      scan();
      // The batch is over: what it has no answer to gets none.
      return give_up(stem,
                     {.kind = ErrorKind::unavailable, .message = "the batch ended without an answer to this request"});
    }
    const std::string path = paths.front();
    paths.erase(paths.begin());
    get(stem, path, [this, stem, paths = std::move(paths), text = std::move(text)](const std::string& body) mutable {
      if (!text.empty() && text.back() != '\n') text += '\n';
      fetch(stem, std::move(paths), std::move(text) + body);
    });
  }

  void get(const std::string& stem, const std::string& path, std::move_only_function<void(const std::string&)> then) {
    send({.method = "GET", .url = setup_.base_url + path}, stem, std::move(then), true);
  }
  void post(const std::string& stem, const BatchPost& what, std::move_only_function<void(const Json&)> then,
            bool repeatable) {
    HttpRequest request{.method = "POST",
                        .url = setup_.base_url + what.path,
                        .headers = {{"content-type", what.content_type}},
                        .body = what.body};
    send(
        std::move(request), stem,
        [this, stem, then = std::move(then)](const std::string& body) mutable {
          const Json json = read_json(body);
          if (!json.is_object())
            return give_up(stem, {.kind = ErrorKind::unavailable, .message = setup_.asked.host + " sent no JSON"});
          then(json);
        },
        repeatable);
  }

  // Whatever passes is tried again at the next poll, up to the number of tries.
  void send(HttpRequest request, const std::string& stem, std::move_only_function<void(const std::string&)> then,
            bool repeatable) {
    struct Exchange {
      HttpHead head;
      std::string body;
      std::move_only_function<void(const std::string&)> then;
      Http::Ticket ticket = 0;
    };
    auto exchange = std::make_shared<Exchange>();
    exchange->then = std::move(then);
    request.limits = options_.http;
    request.limits.max_body = std::size_t{512} << 20;
    setup_.dialect->add_headers(request);
    if (setup_.key) setup_.dialect->authorize(request, *setup_.key);
    exchange->ticket = parts_.http.send(
        std::move(request),
        {.on_head = [exchange](const HttpHead& head) { exchange->head = head; },
         .on_body = [exchange](std::string_view bytes) { exchange->body += bytes; },
         .on_end =
             [this, exchange, stem, repeatable](std::expected<void, HttpFailure> result) {
               under_way_.erase(exchange->ticket);
               if (result && exchange->head.status == 200) {
                 failures_[stem] = 0;
                 return exchange->then(exchange->body);
               }
               CallTrouble trouble =
                   result ? trouble_of_answer(setup_.asked, exchange->head, exchange->body, parts_.clock.unix_ms())
                          : trouble_of_transport(result.error());
               if (setup_.key) trouble.error.message = setup_.key->redact(std::move(trouble.error.message));
               if (!repeatable && (result || result.error().trouble == HttpTrouble::address ||
                                   result.error().trouble == HttpTrouble::certificate)) {
                 std::error_code code;  // it was refused: nothing was made
                 std::filesystem::remove(folder_.file(stem, ".sending"), code);
               } else if (!repeatable) {
                 trouble.again = false;
                 trouble.error.message += fmt::format("; whether {}.jsonl was taken is not known: look there", stem);
               }
               if (!trouble.again || ++failures_[stem] >= options_.retries.tries) return give_up(stem, trouble.error);
               carried_.erase(stem);
             }});
    under_way_.insert(exchange->ticket);
  }

  void give_up(const std::string& stem, const Error& error) {
    carried_.erase(stem);
    std::vector<Ticket> waiting;
    for (const auto& [ticket, call] : calls_) {
      if (folder_.batch_of(call.id) == stem) waiting.push_back(ticket);
    }
    for (const Ticket ticket : waiting) end(ticket, std::unexpected(error));
    rest_if_idle();
  }

  void fail_ids(const std::map<std::string, std::string>& ids, const Error& error) {
    std::vector<Ticket> waiting;
    for (const auto& [ticket, call] : calls_) {
      if (ids.contains(call.id)) waiting.push_back(ticket);
    }
    for (const Ticket ticket : waiting) end(ticket, std::unexpected(error));
  }

  void end(Ticket ticket, Result<ModelReply> result) {
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    if (found->second.timer != 0) parts_.loop.forget(found->second.timer);
    OnReply on_reply = std::move(found->second.on_reply);
    calls_.erase(found);
    rest_if_idle();
    on_reply(std::move(result));
  }

  HttpModelSetup setup_;
  std::unique_ptr<BatchDialect> batch_;
  bool courier_;
  ModelParts parts_;
  ModelOptions options_;
  std::map<Ticket, Call> calls_;
  Ticket last_ticket_ = 0;
  BatchFolder folder_;
  std::map<std::string, std::string> gathered_;  // id -> line, not written yet
  std::set<std::string> carried_;                // batches with a step under way
  std::map<std::string, int> failures_;          // in a row, by batch
  std::set<Http::Ticket> under_way_;
  Loop::Timer gather_timer_ = 0, poll_timer_ = 0;
  milliseconds poll_wait_ = first_poll;
  ServerCheck check_;
};

}  // namespace

Result<std::unique_ptr<Model>> make_batch_model(HttpModelSetup setup, std::unique_ptr<BatchDialect> batch, bool courier,
                                                ModelParts parts, const ModelOptions& options) {
  if (options.batch_folder.empty()) return user_error(setup.name + " needs a folder for its requests and answers");
  auto model = std::make_unique<BatchModel>(std::move(setup), std::move(batch), courier, parts, options);
  TRY(model->open());
  return model;
}

}  // namespace kerf
