// How a provider's interface is spoken: what goes out for a request, what comes back as a reply. Pure: no network.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"
#include "synthesize/model/model.h"
#include "synthesize/model/sse.h"

namespace kerf {

// Why a call came to nothing.
struct CallTrouble {
  Error error;
  bool again = false;                                            // it may go better the next time
  std::optional<std::chrono::milliseconds> wait = std::nullopt;  // as the server asks
};
using CallStep = std::expected<void, CallTrouble>;

// Puts one reply together, from the events of a stream or from a whole body.
struct ReplyReader {
  ReplyReader() = default;
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;
  virtual ~ReplyReader() = default;
  [[nodiscard]] virtual CallStep event(const ServerEvent& event) = 0;
  [[nodiscard]] virtual CallStep whole(const nlohmann::json& body) = 0;

  ModelReply reply;                                        // so far; of usage the tokens only
  bool has_text = false;                                   // the text is whole: only figures may follow
  bool ended = false;                                      // the stream said that nothing follows
  bool has_input_usage = false, has_output_usage = false;  // what was told of tokens
};

struct Dialect {
  Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  virtual ~Dialect() = default;
  [[nodiscard]] virtual std::string path() const = 0;         // below the base URL
  [[nodiscard]] virtual std::string models_path() const = 0;  // the models that there are; one of them below it
  // `user` error for settings that the provider has no words for.
  [[nodiscard]] virtual Result<nlohmann::json> body(const std::string& model, const ModelRequest& request,
                                                    bool stream) const = 0;
  virtual void authorize(HttpRequest& request, Secret key) const = 0;
  virtual void add_headers(HttpRequest& request) const = 0;
  [[nodiscard]] virtual std::unique_ptr<ReplyReader> reader() const = 0;
};

// `own_server`: the provider's own, which knows the newest names of parameters, or a compatible one.
[[nodiscard]] std::unique_ptr<Dialect> make_anthropic_dialect();
[[nodiscard]] std::unique_ptr<Dialect> make_openai_dialect(bool own_server);

// An answer other than 200, as what to do next. `who` is the host, `model` the model's name, `key_name` where the key
// came from (empty: none was sent).
struct AskedServer {
  std::string host;
  std::string model;
  std::string key_name;
  std::string key_remedy;
  bool own_server = true;
};
[[nodiscard]] CallTrouble trouble_of_answer(const AskedServer& asked, const HttpHead& head, std::string_view body,
                                            std::int64_t now_unix_ms);
[[nodiscard]] CallTrouble trouble_of_transport(const HttpFailure& failure);
// The error of an event or a body: `type` and `code` as the provider names them.
[[nodiscard]] CallTrouble trouble_within(const nlohmann::json& error);

// Seconds or a date (RFC 9110, section 10.2.3); nullopt for what is neither. A date in the past is zero.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(std::string_view value, std::int64_t now_unix_ms);

// What a server's JSON says in that field: "" where it has none, or one of another type.
[[nodiscard]] std::string text_in(const nlohmann::json& json, const char* name);
// The same for a figure of tokens: 0 for one that can be none, so that sums of them are safe.
[[nodiscard]] std::int64_t tokens_of(const nlohmann::json& json, const char* name);
// Parts as one text; a part that does not end its line gets a line's end.
[[nodiscard]] std::string joined(const std::vector<Part>& parts);
// Tokens of a text when nobody says how many: four bytes each.
[[nodiscard]] std::int64_t estimated_tokens(std::size_t bytes);
// First 300 bytes of the first line that says anything, without control characters.
[[nodiscard]] std::string excerpt(std::string_view text);

}  // namespace kerf
