// Any text as an expression; errors lie inside of it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "candidate/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  static const TensorSpec spec{.dtype = Dtype::f32, .shape = {4, 6}, .stride = {6, 1}};
  static const Names names = [] {
    Names all;
    for (const char* name : {"x", "fc.0.weight", "init.eps", "n", "later"}) all.add(name);
    return all;
  }();
  static const Scope scope = {{&spec}, {&spec}, {Value{1e-5}}, {Value{std::int64_t{1} << 40}}, {Meaning::Unknown{}}};
  const Located text{.text = std::string(reinterpret_cast<const char*>(data), size), .at = {1, 1}};
  const auto parsed = Expression::parse(text, names);
  if (parsed) (void)parsed->evaluate(scope);
  if (!parsed && parsed.error().at->column > static_cast<int>(size) + 1) __builtin_trap();
  return 0;
}
