#include "synthesize/model/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "synthesize/model/model_json.h"

namespace kerf {

ReplayModel::ReplayModel(const std::vector<Exchange>& exchanges, std::string name, Note note)
    : name_(std::move(name)), note_(std::move(note)) {
  for (const Exchange& exchange : exchanges) {
    conversations_[exchange.purpose.expansion][exchange.purpose.attempt] = exchange;
  }
}

Model::Ticket ReplayModel::complete(const ModelRequest& request, OnReply reply) {
  const Ticket ticket = ++tickets_;
  const std::uint64_t asked = request.purpose.expansion;
  std::uint64_t recorded = asked;
  if (const auto it = stands_in_.find(asked); it != stands_in_.end()) {
    recorded = it->second;
  } else if (!conversations_.contains(asked)) {
    const auto unused = std::ranges::find_if(conversations_, [&](const auto& c) { return !used_.contains(c.first); });
    if (unused == conversations_.end()) {
      reply(fail(ErrorKind::system, "the recording has no more replies"));
      return ticket;
    }
    recorded = unused->first;
    stands_in_.emplace(asked, recorded);
  }
  used_.insert(recorded);
  const Conversation& conversation = conversations_.at(recorded);
  const auto found = conversation.find(request.purpose.attempt);
  if (found == conversation.end()) {
    reply(fail(ErrorKind::system, fmt::format("the recording has {} of expansion {}, attempt {} was asked for",
                                              conversation.size() == 1 ? "one reply" : "some replies", recorded,
                                              request.purpose.attempt + 1)));
    return ticket;
  }
  const Exchange& exchange = found->second;
  if (exchange.request_digest != request.digest()) {
    note_(fmt::format("expansion {}: the prompt differs from the recorded one of expansion {} ({})", asked, recorded,
                      request_difference(exchange.request, to_json(request))));
  }
  reply(answer_of(exchange));
  return ticket;
}

}  // namespace kerf
