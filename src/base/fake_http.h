// A server for unit tests: every request waits in a list until the test answers it, on the loop.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/http.h"

namespace kerf {

class FakeHttp final : public Http {
 public:
  explicit FakeHttp(Loop& loop) : loop_(loop) {}

  // What comes back for one request, piece by piece; `failure` instead of a clean end.
  struct Answer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers = {{"content-type", "text/event-stream"}};
    std::vector<std::string> pieces;
    std::optional<HttpFailure> failure = std::nullopt;
    bool headless = false;  // fails before the head
    bool endless = false;   // never ends: for cancel
  };
  // Answers in the order of requests; a request beyond the last meets a refused connection.
  std::deque<Answer> answers;

  Ticket send(HttpRequest request, HttpHandler handler) override {
    sent_.push_back(std::move(request));
    const Ticket ticket = ++tickets_;
    open_.push_back(ticket);
    Answer answer{.failure = HttpFailure{HttpTrouble::connection, "the fake server has no more answers"},
                  .headless = true};
    if (!answers.empty()) {
      answer = std::move(answers.front());
      answers.pop_front();
    }
    loop_.post([this, ticket, answer = std::move(answer), handler = std::move(handler)]() mutable {
      deliver(ticket, std::move(answer), std::move(handler));
    });
    return ticket;
  }
  void cancel(Ticket ticket) override {
    if (std::erase(open_, ticket) > 0) cancelled_.push_back(ticket);
  }

  [[nodiscard]] const std::vector<HttpRequest>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<Ticket>& cancelled() const { return cancelled_; }
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  [[nodiscard]] bool is_open(Ticket ticket) const { return std::ranges::find(open_, ticket) != open_.end(); }
  void deliver(Ticket ticket, Answer answer, HttpHandler handler) {
    if (!answer.headless && is_open(ticket)) handler.on_head({.status = answer.status, .headers = answer.headers});
    for (const std::string& piece : answer.pieces) {
      if (is_open(ticket)) handler.on_body(piece);
    }
    if (answer.endless || std::erase(open_, ticket) == 0) return;
    if (answer.failure)
      handler.on_end(std::unexpected(*std::move(answer.failure)));
    else
      handler.on_end({});
  }

  Loop& loop_;
  Ticket tickets_ = 0;
  std::vector<HttpRequest> sent_;
  std::vector<Ticket> open_;
  std::vector<Ticket> cancelled_;
};

}  // namespace kerf
