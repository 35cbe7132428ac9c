// Server-sent events (WHATWG HTML, section 9.2): bytes in as they come, events out, in bounded memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

struct ServerEvent {
  std::string name;  // empty if the stream gives none
  std::string data;  // lines joined by \n
};

class EventStream {
 public:
  static constexpr std::size_t longest_line = std::size_t{1} << 20;   // bytes
  static constexpr std::size_t largest_event = std::size_t{4} << 20;  // bytes
  using OnEvent = std::function<void(const ServerEvent&)>;

  // Calls `on_event` for each event that `bytes` complete. An error, once, when a bound is exceeded; nothing after it.
  [[nodiscard]] Result<> feed(std::string_view bytes, const OnEvent& on_event);
  // The stream has ended: hands out an event that lacks its blank line.
  [[nodiscard]] Result<> finish(const OnEvent& on_event);

 private:
  [[nodiscard]] Result<> line(std::string_view text, const OnEvent& on_event);

  std::string line_;   // begun, not ended
  ServerEvent event_;  // begun, not dispatched
  bool has_data_ = false;
  bool after_return_ = false;  // the last byte was \r: a \n belongs to it
  bool started_ = false;
};

}  // namespace kerf
