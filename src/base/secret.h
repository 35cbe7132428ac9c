// A key or password. It can be compared, moved and revealed by name; it cannot be printed, formatted or put into JSON.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace kerf {

class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  // For the one place that sends it. Never for a message, a log or a file.
  [[nodiscard]] std::string_view reveal() const { return text_; }
  // `text` with every occurrence of the secret replaced by "[key]".
  [[nodiscard]] std::string redact(std::string text) const {
    if (text_.empty()) return text;
    for (std::size_t at = 0; (at = text.find(text_, at)) != text.npos; at += 5) text.replace(at, text_.size(), "[key]");
    return text;
  }

 private:
  void wipe() {
    ::explicit_bzero(text_.data(), text_.size());
    text_.clear();
  }
  std::string text_;
};

}  // namespace kerf
