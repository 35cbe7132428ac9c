// Framed messages with descriptors over a Unix socket pair: how kerf talks to the oracle and to runners.
// A frame is a 4-byte little-endian length and that many bytes of JSON; descriptors ride on its first byte
// (SCM_RIGHTS).
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace kerf {

struct ChannelMessage {
  std::string body;
  std::vector<Fd> fds = {};
};

class Channel {
 public:
  static constexpr std::size_t max_frame = std::size_t{256} << 20;
  static constexpr std::size_t max_fds = 16;

  Channel() = default;
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] static Result<std::pair<Channel, Channel>> pair();

  [[nodiscard]] Result<> send(std::string_view body, std::span<const int> fds = {}) const;
  // Waits at most `limit` (negative: for ever). Kind `cancelled` on time-out, `system` when the peer is gone. The peer
  // may be hostile: an over-long or cut frame is an error, and surplus descriptors are closed.
  [[nodiscard]] Result<ChannelMessage> receive(std::chrono::milliseconds limit) const;
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }

 private:
  Fd socket_;
};

}  // namespace kerf
