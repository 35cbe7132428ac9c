#include "base/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace kerf {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t header_bytes = 4;
constexpr std::size_t control_bytes = CMSG_SPACE(Channel::max_fds * sizeof(int));

Result<> send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("the other process is gone", errno);
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return {};
}

class Reader {
 public:
  Reader(int fd, milliseconds limit) : fd_(fd), bounded_(limit.count() >= 0), deadline_(steady_clock::now() + limit) {}

  Result<> read(char* data, std::size_t size, std::vector<Fd>& fds) {
    while (size > 0) {
      TRY(wait());
      iovec part{data, size};
      alignas(cmsghdr) std::array<char, control_bytes> control{};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t n = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return system_error("cannot read from the other process", errno);
      collect(message, fds);
      if (n == 0) return fail(ErrorKind::system, "the other process closed the connection");
      data += n;
      size -= static_cast<std::size_t>(n);
    }
    return {};
  }

 private:
  Result<> wait() const {
    for (;;) {
      int left = -1;
      if (bounded_) {
        const auto rest = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now()).count();
        left = static_cast<int>(std::clamp<long>(rest, 0, 1'000'000));
      }
      pollfd poll_fd{fd_, POLLIN, 0};
      const int ready = ::poll(&poll_fd, 1, left);
      if (ready > 0) return {};
      if (ready == 0) return fail(ErrorKind::cancelled, "no answer in time");
      if (errno != EINTR) return system_error("cannot wait for the other process", errno);
    }
  }

  static void collect(msghdr& message, std::vector<Fd>& fds) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
        Fd owned(fd);
        if (fds.size() < Channel::max_fds) fds.push_back(std::move(owned));
      }
    }
  }

  int fd_;
  bool bounded_;
  steady_clock::time_point deadline_;
};

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return system_error("cannot make a socket pair", errno);
  return std::pair(Channel(Fd(fds[0])), Channel(Fd(fds[1])));
}

Result<> Channel::send(std::string_view body, std::span<const int> fds) const {
  if (body.size() > max_frame || fds.size() > max_fds)
    return fail(ErrorKind::internal, "a message beyond the limits of a frame");
  const auto size = static_cast<std::uint32_t>(body.size());
  std::array<char, header_bytes> header{};
  for (std::size_t i = 0; i < header_bytes; ++i) header[i] = static_cast<char>(size >> (8 * i));
  iovec part{header.data(), header.size()};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  ssize_t n = 0;
  do {
    n = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return system_error("the other process is gone", errno);
  TRY(send_all(socket_.get(), header.data() + n, header.size() - static_cast<std::size_t>(n)));
  return send_all(socket_.get(), body.data(), body.size());
}

Result<ChannelMessage> Channel::receive(std::chrono::milliseconds limit) const {
  Reader reader(socket_.get(), limit);
  ChannelMessage message;
  std::array<char, header_bytes> header{};
  TRY(reader.read(header.data(), header.size(), message.fds));
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < header_bytes; ++i)
    size |= static_cast<std::uint32_t>(static_cast<unsigned char>(header[i])) << (8 * i);
  if (size > max_frame) return fail(ErrorKind::system, "the other process announced a message of impossible size");
  // Grown as it arrives: a hostile length alone must not make us allocate.
  constexpr std::size_t piece = std::size_t{1} << 20;
  while (message.body.size() < size) {
    const std::size_t old = message.body.size();
    const std::size_t step = std::min(piece, size - old);
    message.body.resize(old + step);
    TRY(reader.read(message.body.data() + old, step, message.fds));
  }
  return message;
}

}  // namespace kerf
