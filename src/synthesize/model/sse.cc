#include "synthesize/model/sse.h"

#include <utility>

namespace kerf {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

Result<> EventStream::feed(std::string_view bytes, const OnEvent& on_event) {
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > longest_line)
      return fail(ErrorKind::unavailable, "a line of its stream is longer than 1 MiB");
    if (end == bytes.npos) {
      line_.append(part);
      return {};
    }
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      TRY(line(part, on_event));
    } else {
      line_.append(part);
      const std::string whole = std::exchange(line_, {});
      TRY(line(whole, on_event));
    }
  }
  return {};
}

Result<> EventStream::finish(const OnEvent& on_event) {
  if (!line_.empty()) {
    const std::string whole = std::exchange(line_, {});
    TRY(line(whole, on_event));
  }
  return line("", on_event);
}

Result<> EventStream::line(std::string_view text, const OnEvent& on_event) {
  if (!std::exchange(started_, true) && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.empty()) {
    ServerEvent event = std::exchange(event_, {});
    if (std::exchange(has_data_, false)) on_event(event);
    return {};
  }
  const std::size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    event_.name = value;
  } else if (field == "data") {
    if (event_.data.size() + value.size() > largest_event)
      return fail(ErrorKind::unavailable, "an event of its stream is larger than 4 MiB");
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
  }
  return {};  // id, retry, comments and what is not known: of no use here
}

}  // namespace kerf
