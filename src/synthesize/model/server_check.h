// Whether a provider's server can be asked, by a look at its list of models: no token is spent.
#pragma once

#include <string>

#include "synthesize/model/http_model.h"

namespace kerf {

class ServerCheck {
 public:
  ServerCheck(const HttpModelSetup& setup, Http& http, const Clock& clock);  // all outlive it
  ServerCheck(const ServerCheck&) = delete;
  ServerCheck& operator=(const ServerCheck&) = delete;
  ~ServerCheck();
  // As Model::check. Only one at a time.
  void start(Model::OnChecked done);

 private:
  void ended(std::expected<void, HttpFailure> result);

  const HttpModelSetup& setup_;
  Http& http_;
  const Clock& clock_;
  Http::Ticket ticket_ = 0;
  HttpHead head_;
  std::string body_;
  Model::OnChecked done_;
};

// What an answer to the question for its models says. Own servers were asked for the one: 404 means that it is not
// there. Others list what they have, or nothing that can be read; they may take other names, too.
[[nodiscard]] Result<std::string> read_models_answer(const AskedServer& asked, const HttpHead& head,
                                                     std::string_view body, std::int64_t now_unix_ms);

}  // namespace kerf
