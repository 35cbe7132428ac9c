// A model whose exchanges are kept: a reply that had arrived is used again and paid for once, over kills and resumes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "synthesize/model/exchange_log.h"
#include "synthesize/model/model.h"

namespace kerf {

using Note = std::function<void(const std::string&)>;  // something a person should know

// Looks every purpose up in the log first. If what is asked now is what was asked then, the recorded reply is the
// answer; if not, a note says what differs and the model is asked. A reply is in the log before it is passed on; one
// that cannot be kept is an error instead. A call that came to nothing is kept where it cost something
// (Finish::failed): its error is the answer then.
class RecordingModel final : public Model {
 public:
  RecordingModel(std::unique_ptr<Model> model, ExchangeLog& log, Note note);
  ~RecordingModel() override;
  Ticket complete(const ModelRequest& request, OnReply reply) override;
  void cancel(Ticket ticket) override;
  void check(OnChecked done) override { model_->check(std::move(done)); }
  [[nodiscard]] std::string name() const override { return model_->name(); }

 private:
  std::unique_ptr<Model> model_;
  ExchangeLog& log_;
  Note note_;
  Ticket tickets_ = 0;
  std::map<Ticket, Ticket> asked_;  // ours -> the model's, while in flight
  std::shared_ptr<RecordingModel*> self_;
};

// What a kept exchange answers: its reply, or the error that it came to, with what that cost.
[[nodiscard]] Result<ModelReply> answer_of(const Exchange& exchange);

// Where two requests (as to_json has them) part first, for people: "message 1, part 3, line 12"; empty if nowhere.
[[nodiscard]] std::string request_difference(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace kerf
