// A model for tests of whoever talks to one: answers from a list, in order, and remembers what it was asked.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "synthesize/model/model.h"

namespace kerf {

// Replies at once, from within complete(), unless `hold` is set; then release() delivers what is held, oldest first.
class FakeModel final : public Model {
 public:
  explicit FakeModel(std::vector<Result<ModelReply>> replies, std::string name = "fake/model")
      : replies_(std::move(replies)), name_(std::move(name)) {}
  // Of texts alone; ten tokens in, one out, a thousandth of a dollar each.
  static std::vector<Result<ModelReply>> replies_of(std::vector<std::string> texts) {
    std::vector<Result<ModelReply>> replies;
    for (auto& text : texts) {
      ModelReply reply;
      reply.text = std::move(text);
      reply.usage = {.tokens_in = 10, .tokens_out = 1, .usd = 0.001};
      reply.model = "fake";
      replies.emplace_back(std::move(reply));
    }
    return replies;
  }

  bool hold = false;
  void release() {
    auto held = std::exchange(held_, {});
    for (auto& h : held) answer(std::move(h.reply));
  }

  Ticket complete(const ModelRequest& request, OnReply reply) override {
    requests_.push_back(request);
    const Ticket ticket = ++tickets_;
    if (hold)
      held_.push_back({ticket, std::move(reply)});
    else
      answer(std::move(reply));
    return ticket;
  }
  void cancel(Ticket ticket) override {
    cancelled_.push_back(ticket);
    std::erase_if(held_, [&](const Held& h) { return h.ticket == ticket; });
  }
  [[nodiscard]] std::string name() const override { return name_; }

  [[nodiscard]] const std::vector<ModelRequest>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<Ticket>& cancelled() const { return cancelled_; }

 private:
  struct Held {
    Ticket ticket = 0;
    OnReply reply;
  };
  void answer(OnReply reply) {
    if (next_ < replies_.size())
      reply(replies_[next_++]);
    else
      reply(fail(ErrorKind::unavailable, "the fake model has no more replies"));
  }

  std::vector<Result<ModelReply>> replies_;
  std::string name_;
  std::size_t next_ = 0;
  Ticket tickets_ = 0;
  std::vector<Held> held_;
  std::vector<ModelRequest> requests_;
  std::vector<Ticket> cancelled_;
};

}  // namespace kerf
