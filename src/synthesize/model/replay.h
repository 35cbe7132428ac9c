// A model that answers what it answered before.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "synthesize/model/exchange_log.h"
#include "synthesize/model/recording.h"

namespace kerf {

// Answers a purpose with the latest recorded exchange of that purpose, at once. Where the search went another way than
// the recorded one (times differ) and asks for an expansion that was not recorded, the oldest conversation that was not
// used yet stands in for it. What is asked otherwise than it was recorded gets a note that says what differs. `system`
// errors for what was not recorded.
class ReplayModel final : public Model {
 public:
  ReplayModel(const std::vector<Exchange>& exchanges, std::string name, Note note);
  Ticket complete(const ModelRequest& request, OnReply reply) override;
  void cancel(Ticket) override {}  // nothing is ever in flight
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  using Conversation = std::map<int, Exchange>;  // by attempt
  std::string name_;
  Note note_;
  std::map<std::uint64_t, Conversation> conversations_;  // by expansion
  std::map<std::uint64_t, std::uint64_t> stands_in_;     // expansion asked -> expansion recorded
  std::set<std::uint64_t> used_;
  Ticket tickets_ = 0;
};

}  // namespace kerf
