// The names of a plan, as its expressions spell them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

// All names that a plan can use on a workload, given yet or not. They may hold dots ("conv.weight", "init.eps"): the
// longest known one wins.
class Names {
 public:
  int add(std::string_view name);  // its index; the same one for a name that is there already
  [[nodiscard]] std::optional<int> find(std::string_view name) const;
  // The longest name that `text` starts with and that ends there (no letter, digit or _ follows).
  [[nodiscard]] std::optional<int> longest_prefix(std::string_view text) const;
  [[nodiscard]] const std::string& text(int name) const { return names_[static_cast<std::size_t>(name)]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] std::vector<std::string_view> all() const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, int, std::less<>> index_;
};

}  // namespace kerf
