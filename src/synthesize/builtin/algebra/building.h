// What rewrites build nodes with, and what they ask of arguments.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/general.h"

namespace kerf {

// A constant that is the same in every workload.
[[nodiscard]] GeneralArgument constant(const GeneralGraph& graph, const Value& value);
[[nodiscard]] GeneralTensor contiguous(std::vector<std::vector<std::int64_t>> shape);
[[nodiscard]] GeneralNode make_node(std::string name, std::string op, std::vector<GeneralArgument> args,
                                    GeneralTensor result);
// What refers to `from` refers to `to`.
void rename(GeneralArgument& argument, const TensorRef& from, const TensorRef& to);
// Puts nodes in the place of node `at`.
void replace_node(GeneralGraph& graph, std::size_t at, std::vector<GeneralNode> by);

// Argument `at` or keyword `key`; null where it is missing or none.
[[nodiscard]] const GeneralArgument* given(const GeneralNode& node, std::size_t at, const char* key);
// Sizes for `rank` dimensions, of a list or of one number for all of them; nullopt where they are none.
[[nodiscard]] std::optional<std::vector<Constant>> sizes(const GeneralArgument& argument, std::size_t rank);
// Whether a size is this number in every workload.
[[nodiscard]] bool is_all(const Constant& size, std::int64_t value);
[[nodiscard]] std::int64_t value_of(const Constant& size, std::size_t workload);

}  // namespace kerf
