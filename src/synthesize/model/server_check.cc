#include "synthesize/model/server_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "problem/json_fields.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

constexpr std::size_t max_list = std::size_t{4} << 20;  // bytes of a list of models that are read
constexpr std::chrono::seconds patience{20};            // a server that takes longer is asked all the same
constexpr std::size_t named = 6;                        // of its models

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '-' || u == '.' ||
        u == '_' || u == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", u);
    }
  }
  return out;
}

// Of "llama3" a server may have "llama3:latest".
bool is_model(std::string_view listed, std::string_view wanted) {
  return listed == wanted || (listed.starts_with(wanted) && listed.substr(wanted.size()).starts_with(':'));
}

}  // namespace

Result<std::string> read_models_answer(const AskedServer& asked, const HttpHead& head, std::string_view body,
                                       std::int64_t now_unix_ms) {
  // A key may be for calls alone: then the list is refused (403, or a 401 that names a scope) and calls are not.
  const bool refused_key = head.status == 401 && body.find("scope") == body.npos;
  const bool no_such_model = asked.own_server && head.status == 404;
  if (refused_key || no_such_model) return std::unexpected(trouble_of_answer(asked, head, body, now_unix_ms).error);
  if (head.status != 200 || asked.own_server) return std::string();
  const Json json = read_json(body);
  if (json.is_discarded() && body.find_first_not_of(" \t\r\n") == body.find('<') && body.find('<') != body.npos)
    return fmt::format("{} shows a web page where its models are listed: is the address right?", asked.host);
  const auto data = json.is_object() ? json.find("data") : json.end();
  if (!json.is_object() || data == json.end() || !data->is_array()) return std::string();
  std::vector<std::string> ids;
  for (const Json& model : *data) {
    const auto id = model.is_object() ? model.find("id") : model.end();
    if (!model.is_object() || id == model.end() || !id->is_string()) continue;
    if (is_model(id->get_ref<const std::string&>(), asked.model)) return std::string();
    if (ids.size() < named) ids.push_back(excerpt(id->get_ref<const std::string&>()));
  }
  if (ids.empty()) return std::string();
  return fmt::format("{} lists no model {}; it lists {}{}", asked.host, asked.model, fmt::join(ids, ", "),
                     data->size() > ids.size() ? ", …" : "");
}

ServerCheck::ServerCheck(const HttpModelSetup& setup, Http& http, const Clock& clock)
    : setup_(setup), http_(http), clock_(clock) {}

ServerCheck::~ServerCheck() {
  if (ticket_ != 0) http_.cancel(ticket_);
}

void ServerCheck::start(Model::OnChecked done) {
  done_ = std::move(done);
  head_ = {};
  body_.clear();
  HttpRequest request{.method = "GET", .url = setup_.base_url + setup_.dialect->models_path()};
  if (setup_.asked.own_server) request.url += "/" + escaped(setup_.model);
  request.limits.idle = patience;
  request.limits.total = patience;
  request.limits.max_body = max_list;
  setup_.dialect->add_headers(request);
  if (setup_.key) setup_.dialect->authorize(request, *setup_.key);
  ticket_ = http_.send(std::move(request), {.on_head = [this](const HttpHead& head) { head_ = head; },
                                            .on_body = [this](std::string_view bytes) { body_ += bytes; },
                                            .on_end = [this](auto result) { ended(std::move(result)); }});
}

void ServerCheck::ended(std::expected<void, HttpFailure> result) {
  ticket_ = 0;
  Result<std::string> answer = std::string();
  if (result) {
    answer = read_models_answer(setup_.asked, head_, body_, clock_.unix_ms());
  } else if (const HttpTrouble trouble = result.error().trouble;
             head_.status == 0 && (trouble == HttpTrouble::connection || trouble == HttpTrouble::address ||
                                   trouble == HttpTrouble::certificate)) {
    answer = std::unexpected(trouble_of_transport(result.error()).error);
    if (trouble == HttpTrouble::connection)
      answer.error().message += ": see whether the server runs and can be reached";
  }
  if (!answer && setup_.key) answer.error().message = setup_.key->redact(std::move(answer.error().message));
  if (answer && setup_.key) answer = setup_.key->redact(*std::move(answer));
  auto done = std::exchange(done_, nullptr);
  done(std::move(answer));
}

}  // namespace kerf
