// Finds plan expressions that give a value in every workload: what generalises a constant over hidden variants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "problem/problem.h"

namespace kerf {

// What expressions are built from: shapes of inputs and outputs, init arguments, then parameters' shapes.
class Atoms {
 public:
  explicit Atoms(const std::vector<const Workload*>& workloads);

  // An expression whose value in workload i is values[i] wherever `wanted[i]`. nullopt if the search finds none.
  [[nodiscard]] std::optional<std::string> find(const std::vector<Value>& values,
                                                const std::vector<bool>& wanted) const;
  // A predicate that is true exactly in the workloads that are `wanted` (the first among them always is).
  [[nodiscard]] std::string predicate(const std::vector<bool>& wanted) const;

 private:
  struct Atom {
    std::string text;
    std::vector<std::optional<Value>> values;  // nullopt: this workload has no such thing (a lower rank)
  };
  [[nodiscard]] std::optional<std::string> find_integer(const std::vector<std::int64_t>& values,
                                                        const std::vector<std::size_t>& at) const;
  [[nodiscard]] std::optional<std::string> find_real(const std::vector<double>& values,
                                                     const std::vector<std::size_t>& at) const;
  std::vector<Atom> atoms_;
  std::size_t count_ = 0;
};

}  // namespace kerf
