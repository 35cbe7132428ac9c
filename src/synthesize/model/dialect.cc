#include "synthesize/model/dialect.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

namespace kerf {

namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

// What an error's body says: {"error": {"message": …}}, {"error": "…"}, {"detail": …}, {"message": …} or plain text.
std::string message_of(std::string_view body) {
  const Json json = read_json(body);
  if (!json.is_object()) return excerpt(body);
  const Json* at = &json;
  for (const char* name : {"error", "message", "detail"}) {
    const auto found = at->find(name);
    if (found == at->end()) continue;
    if (found->is_string()) return excerpt(found->get<std::string>());
    if (found->is_object()) at = &*found;
  }
  return excerpt(at->dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string kind_of(std::string_view body) {  // error.type and error.code, as one text to look into
  const Json json = read_json(body);
  if (!json.is_object()) return {};
  const auto error = json.find("error");
  if (error == json.end() || !error->is_object()) return {};
  std::string kind;
  for (const char* name : {"type", "code"}) {
    if (const auto found = error->find(name); found != error->end() && found->is_string())
      kind += found->get<std::string>() + " ";
  }
  return kind;
}

bool transient(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

}  // namespace

std::string excerpt(std::string_view text) {
  constexpr std::size_t longest = 300;
  std::string line;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f) {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else if (c != ' ' || (!line.empty() && line.back() != ' ')) {
      line += c;
    }
    if (line.size() > longest) break;
  }
  if (line.size() > longest) {
    line.resize(longest);
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0U) == 0x80U) line.pop_back();
    if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80U) != 0) line.pop_back();
    line += "…";
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::optional<milliseconds> retry_after(std::string_view value, std::int64_t now_unix_ms) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (value.empty()) return std::nullopt;
  double seconds = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (code == std::errc() && end == value.data() + value.size()) {
    if (!(seconds >= 0)) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, 1e9) * 1e3)));
  }
  std::tm when{};
  const std::string text(value);
  if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when) == nullptr) return std::nullopt;
  return milliseconds(std::max<std::int64_t>(0, static_cast<std::int64_t>(::timegm(&when)) * 1000 - now_unix_ms));
}

CallTrouble trouble_of_answer(const AskedServer& asked, const HttpHead& head, std::string_view body,
                              std::int64_t now_unix_ms) {
  const int status = head.status;
  const std::string said = message_of(body);
  const std::string tail = said.empty() ? "" : ": " + said;
  const auto unavailable = [&](std::string message) {
    return CallTrouble{.error = {.kind = ErrorKind::unavailable, .message = std::move(message)}};
  };
  if (kind_of(body).find("insufficient_quota") != std::string::npos)
    return unavailable(fmt::format("{}: the account has no credit left: add some, or name another model", asked.host));
  if (transient(status)) {
    CallTrouble trouble = unavailable(fmt::format("{} answered {}{}", asked.host, status, tail));
    trouble.again = true;
    if (const auto exact = retry_after(head.header("retry-after-ms"), now_unix_ms)) {
      trouble.wait = milliseconds(exact->count() / 1000);
    } else {
      trouble.wait = retry_after(head.header("retry-after"), now_unix_ms);
    }
    return trouble;
  }
  if (status >= 300 && status < 400) {
    const auto target = split_url(head.header("location"));
    return unavailable(
        fmt::format("{} answered with a redirect{}, which is not followed: give the address itself as --base-url",
                    asked.host, target ? fmt::format(" to {}://{}", target->scheme, target->host) : ""));
  }
  if (status == 401 || status == 403) {  // what it says may hold a part of the key
    return unavailable(asked.key_name.empty()
                           ? fmt::format("{} wants a key ({}): {}", asked.host, status, asked.key_remedy)
                           : fmt::format("{} refused the key from {} ({}): check it, and what it may use", asked.host,
                                         asked.key_name, status));
  }
  if (status == 402) return unavailable(fmt::format("{} wants to be paid (402){}", asked.host, tail));
  if (status == 404 || status == 405) {
    return unavailable(fmt::format("{} knows no model {} or no such address ({}){}{}", asked.host, asked.model, status,
                                   tail,
                                   asked.own_server ? "" : "; an openai server's --base-url usually ends in /v1"));
  }
  CallTrouble trouble = unavailable(fmt::format("{} refused the request ({}){}", asked.host, status, tail));
  if (status >= 400) trouble.error.kind = ErrorKind::user;
  return trouble;
}

CallTrouble trouble_of_transport(const HttpFailure& failure) {
  return {.error = {.kind = ErrorKind::unavailable, .message = failure.message},
          .again = failure.trouble == HttpTrouble::connection || failure.trouble == HttpTrouble::cut_off ||
                   failure.trouble == HttpTrouble::timed_out};
}

CallTrouble trouble_within(const Json& error) {
  std::string said = "no reason given", kind;
  int code = 0;
  if (error.is_string()) said = excerpt(error.get<std::string>());
  if (error.is_object()) {
    if (const auto found = error.find("message"); found != error.end() && found->is_string())
      said = excerpt(found->get<std::string>());
    if (const auto found = error.find("type"); found != error.end() && found->is_string())
      kind = found->get<std::string>();
    if (const auto found = error.find("code"); found != error.end() && found->is_number_integer())
      code = found->get<int>();
    else if (found != error.end() && found->is_string()) {
      const std::string& text = found->get_ref<const std::string&>();
      std::from_chars(text.data(), text.data() + text.size(), code);
    }
  }
  const bool final = kind == "invalid_request_error" || kind == "authentication_error" || kind == "permission_error" ||
                     kind == "not_found_error" || kind == "request_too_large" || kind == "billing_error" ||
                     (code >= 400 && code < 500 && !transient(code));
  return {.error = {.kind = final && (kind == "invalid_request_error" || kind == "request_too_large" || code != 0)
                                ? ErrorKind::user
                                : ErrorKind::unavailable,
                    .message = fmt::format("the reply broke off with an error{}: {}",
                                           kind.empty() ? "" : " (" + kind + ")", said)},
          .again = !final};
}

std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t tokens_of(const Json& json, const char* name) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) return 0;
  const auto said = found->get<std::int64_t>();
  return said < 0 || said > most ? 0 : said;
}

std::string joined(const std::vector<Part>& parts) {
  std::string text;
  for (const Part& part : parts) {
    if (part.text.empty()) continue;
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += part.text;
  }
  return text;
}

std::int64_t estimated_tokens(std::size_t bytes) { return static_cast<std::int64_t>((bytes + 3) / 4); }

}  // namespace kerf
