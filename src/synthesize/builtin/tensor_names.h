// What the tensors of a graph are called in a plan: as in the graph where that is a name there and nothing else has it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "synthesize/general.h"

namespace kerf {

class TensorNames {
 public:
  TensorNames(const Workload& primary, const GeneralGraph& graph);

  [[nodiscard]] std::string of(const TensorRef& ref) const;
  // Replaces placeholders (lowering.h) by names.
  [[nodiscard]] std::string resolve(const std::string& text) const;

  // False if something has this name; otherwise it is taken from now on.
  [[nodiscard]] bool take(const std::string& name) { return taken_.insert(name).second; }
  // Takes a name for a kernel that computes the results of the graph's node `node`, or none of the graph's.
  [[nodiscard]] std::string kernel(const std::string& node);

 private:
  std::map<std::pair<std::string, int>, std::string> names_;
  std::set<std::string> taken_;
  bool brief_ = false;
};

}  // namespace kerf
