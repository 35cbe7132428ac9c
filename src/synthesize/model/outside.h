// A model that is asked by other means: an agent that is handed files, or nobody at all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "synthesize/model/model.h"

namespace kerf {

// `answer` sees every request; without a reply from it the request stays open, for a later process to answer.
class OutsideModel final : public Model {
 public:
  using Answer = std::function<std::optional<ModelReply>(const ModelRequest&)>;
  OutsideModel(std::string name, Answer answer) : name_(std::move(name)), answer_(std::move(answer)) {}
  Ticket complete(const ModelRequest& request, OnReply reply) override {
    if (std::optional<ModelReply> known = answer_(request)) reply(std::move(*known));
    return ++tickets_;
  }
  void cancel(Ticket) override {}
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  std::string name_;
  Answer answer_;
  Ticket tickets_ = 0;
};

}  // namespace kerf
