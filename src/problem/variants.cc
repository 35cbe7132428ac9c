#include "problem/variants.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

namespace kerf {
namespace {

enum class Kind { size, hyperparameter, fixed };

Kind kind_of(std::string_view name) {
  constexpr std::array fixed{"dropout", "drop_", "prob", "seed", "dtype", "device", "vocab"};
  constexpr std::array hyper{"kernel",     "stride", "pad",         "dilation", "group", "eps",    "slope", "momentum",
                             "axis",       "heads",  "alpha",       "beta",     "scale", "factor", "min_",  "max_",
                             "num_layers", "margin", "temperature", "lambda",   "gamma", "_value"};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto in = [&](const char* part) { return lower.find(part) != std::string::npos; };
  if (std::ranges::any_of(fixed, in)) return Kind::fixed;
  if (lower == "dim" || (!lower.ends_with("_dim") && std::ranges::any_of(hyper, in))) {
    return lower.starts_with("max_seq") || lower.starts_with("max_len") ? Kind::size : Kind::hyperparameter;
  }
  return Kind::size;
}

std::int64_t odd(std::int64_t n) { return n | 1; }

// Other values of an extent n, never more than n + 1.
std::vector<std::int64_t> other_sizes(std::int64_t n, bool small) {
  if (n <= 1) return {};
  if (n == 2) return {3};
  if (n <= 4) return {n - 1};
  if (n <= 8) return small ? std::vector<std::int64_t>{3, n - 1} : std::vector<std::int64_t>{odd(n - 2), n - 1};
  if (small) {
    const std::int64_t first = odd(n <= 128 ? n / 3 : n / 5);
    return {first, odd(n / 2), n / 2, n / 4, n - 1};
  }
  return {odd(3 * n / 4), n / 2, n - 1, n / 4};
}

std::vector<Value> other_hyperparameters(const Value& value) {
  // A flag changes what is computed, often the number of outputs: another problem, not another size of this one.
  if (std::holds_alternative<bool>(value.is)) return {};
  if (const auto* n = std::get_if<std::int64_t>(&value.is)) {
    if (*n < 0) return {};
    if (*n == 0) return {Value{std::int64_t{1}}};
    if (*n == 1) return {Value{std::int64_t{2}}};
    return {Value{*n + 1}, Value{*n - 1}};
  }
  if (const auto* x = std::get_if<double>(&value.is)) {
    if (*x == 0) return {};
    return {Value{*x < 1e-3 && *x > 0 ? *x * 10 : *x * 1.5}};
  }
  return {};
}

// How often the value was there before: sizes that are alike by chance go apart, so that whoever takes one for another
// is found out.
class Alike {
 public:
  std::size_t before(std::int64_t n) { return seen_[n]++; }

 private:
  std::map<std::int64_t, std::size_t> seen_;
};

// A list of integers, changed element by element; nothing if an element cannot be.
std::vector<Value> other_lists(const ValueList& list, bool small, bool hyper) {
  std::vector<Value> out;
  for (std::size_t choice = 0; choice < 2; ++choice) {
    ValueList changed;
    Alike alike;
    bool moved = false;
    for (const Value& each : list) {
      const auto* n = std::get_if<std::int64_t>(&each.is);
      if (n == nullptr) return {};
      std::int64_t next = *n;
      if (hyper) {
        if (const auto others = other_hyperparameters(each); !others.empty()) {
          next = std::get<std::int64_t>(others[std::min(choice, others.size() - 1)].is);
        }
      } else if (const auto others = other_sizes(*n, small); !others.empty()) {
        const std::size_t apart = small ? alike.before(*n) : 0;
        next = others[std::min(choice + apart, others.size() - 1)];
      }
      moved = moved || next != *n;
      changed.push_back(Value{next});
    }
    Value value{std::move(changed)};
    if (moved && std::ranges::find(out, value) == out.end()) out.push_back(std::move(value));
  }
  return out;
}

}  // namespace

std::vector<SizeProposal> propose_variant(const std::vector<std::pair<std::string, Value>>& module_sizes, int index) {
  const bool small = index % 2 == 0;
  Alike alike;
  std::vector<SizeProposal> sizes, hyperparameters;
  for (const auto& [name, value] : module_sizes) {
    const Kind kind = kind_of(name);
    if (kind == Kind::fixed) continue;
    const bool hyper = kind == Kind::hyperparameter || std::holds_alternative<double>(value.is) ||
                       std::holds_alternative<bool>(value.is);
    if (hyper && small) continue;
    SizeProposal proposal{.name = name};
    if (const auto* list = std::get_if<ValueList>(&value.is)) {
      proposal.values = other_lists(*list, small, hyper);
    } else if (hyper) {
      proposal.values = other_hyperparameters(value);
    } else if (const auto* n = std::get_if<std::int64_t>(&value.is)) {
      for (const std::int64_t other : other_sizes(*n, small)) {
        if (other != *n) proposal.values.push_back(Value{other});
      }
      if (small && !proposal.values.empty()) {
        const std::size_t apart = alike.before(*n) % proposal.values.size();
        std::ranges::rotate(proposal.values, proposal.values.begin() + static_cast<std::ptrdiff_t>(apart));
      }
    }
    if (!proposal.values.empty()) (hyper ? hyperparameters : sizes).push_back(std::move(proposal));
  }
  std::ranges::move(hyperparameters, std::back_inserter(sizes));
  return sizes;
}

}  // namespace kerf
