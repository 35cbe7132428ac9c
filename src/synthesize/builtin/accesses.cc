// Where in memory loads and stores are: subscripts with strides, and windows and indices over dimensions.
#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/places.h"

namespace kerf {
namespace {

// Results of calls that may begin anywhere inside another tensor.
bool may_be_a_view(const GeneralGraph& graph, const TensorRef& ref) {
  static const std::set<std::string> views = {
      "slice",  "select", "split",  "split_with_sizes", "chunk",  "unbind",     "narrow",   "tensor_split",
      "hsplit", "vsplit", "dsplit", "unsafe_split",     "unfold", "as_strided", "diagonal", "unsafe_chunk"};
  const GeneralNode* node = graph.node(ref.name);
  if (node == nullptr) return false;
  if (views.contains(node->base())) return true;
  if (!is_trivial(*node)) return false;
  for (const TensorRef& from : references(*node))
    if (may_be_a_view(graph, from)) return true;
  return false;
}

}  // namespace

std::vector<Lowering::Sink> Lowering::sinks_of(const TensorRef& ref) {
  std::vector<Sink> made;
  if (const auto found = side_by_side_.find({ref.name, ref.index}); found != side_by_side_.end()) {
    for (const Lowered& value : found->second.values) {
      made.push_back({value, ref, Part{found->second.dim, literal(std::ssize(made), workloads_)}});
      expand(made.back().value);
    }
    return made;
  }
  if (!has(ref)) throw CannotLower{"a result that lowering does not give"};
  const auto part = in_part_.find(ref.name);
  made.push_back({stored(ref), ref, part == in_part_.end() ? std::nullopt : std::optional(part->second)});
  return made;
}

// Where a result is stored.
Lowering::RawAccess Lowering::store_of(const Sink& sink) const {
  RawAccess made{.ref = sink.ref, .dims = sink.value.dims};
  if (!sink.part) return made;
  const auto& [dim, begin] = *sink.part;
  for (const auto& shape : graph_.tensor(sink.ref)->shape)
    if (shape[dim] != graph_.tensor(sink.ref)->shape[0][dim])
      throw CannotLower{"a part of what differs between workloads"};
  const std::vector<int> list = expand(made.dims[dim]);
  if (list.size() > 1) throw CannotLower{"a part whose dimension is not one axis"};
  RawWindow window{.dim = static_cast<int>(dim), .terms = {}, .shift = begin};
  for (const int axis : list) window.terms.emplace_back(axis, one(workloads_));
  made.dims[dim].clear();
  made.windows.push_back(std::move(window));
  return made;
}

Access Lowering::access(const RawAccess& raw, const std::vector<int>& compact, const Region& region) const {
  const GeneralTensor& tensor = *graph_.tensor(raw.ref);
  Access made{.tensor = storage_of(graph_, raw.ref),
              .type = Type::f32,
              .subscripts = {},
              .contiguous = tensor.contiguous(),
              .aligned = !may_be_a_view(graph_, raw.ref)};
  if (!raw.windows.empty() || !raw.flipped.empty())
    for (std::size_t w = 0; w < workloads_; ++w) made.elements.push_back(tensor.numel(w));
  if (tensor.dtype == Dtype::i64) made.type = Type::i64;
  if (tensor.dtype == Dtype::boolean) made.type = Type::mask;
  Extent running = one(workloads_);
  for (std::size_t d = raw.dims.size(); d-- > 0;) {
    Extent stride = running;
    if (!made.contiguous) {
      stride = {.text = fmt::format("{}.stride[{}]", placeholder(raw.ref), d), .values = {}};
      for (const auto& strides : tensor.stride) stride.values.push_back(strides[d]);
    }
    const auto windowed = std::ranges::find(raw.windows, static_cast<int>(d), &RawWindow::dim);
    const auto picked = raw.picks.find(static_cast<int>(d));
    if (picked != raw.picks.end() || windowed != raw.windows.end()) {
      Extent size{.text = fmt::format("{}.shape[{}]", placeholder(raw.ref), d), .values = {}};
      for (const auto& shape : tensor.shape) size.values.push_back(shape[d]);
      running = size * running;
      if (windowed == raw.windows.end()) {
        made.picks.push_back({.index = picked->second, .limit = size, .stride = stride});
        continue;
      }
      Window window{.terms = {},
                    .shift = windowed->shift,
                    .limit = size,
                    .stride = stride,
                    .below = windowed->below,
                    .above = windowed->above};
      for (const auto& [axis, step] : windowed->terms) {
        const std::vector<int> list = expand({axis});
        if (list.size() != 1 && window.guarded()) throw CannotLower{"windows whose axis is cut up"};
        Extent along = step;
        for (std::size_t k = list.size(); k-- > 0;) {
          const int at = compact[static_cast<std::size_t>(list[k])];
          made.subscripts.push_back({at, stride * along});
          if (window.guarded()) window.terms.push_back({at, along});
          along = along * region.axes[static_cast<std::size_t>(at)].extent;
        }
      }
      made.windows.push_back(std::move(window));
      continue;
    }
    const std::vector<int> list = expand(raw.dims[d]);
    if (raw.flipped.contains(static_cast<int>(d))) {
      // From the last element on, in steps of minus one.
      if (list.size() != 1) throw CannotLower{"a flip of a dimension that is cut up"};
      const int axis = compact[static_cast<std::size_t>(list[0])];
      const Extent& size = region.axes[static_cast<std::size_t>(axis)].extent;
      made.subscripts.push_back({axis, literal(-1, workloads_) * stride});
      made.windows.push_back({.terms = {}, .shift = size - one(workloads_), .limit = size, .stride = stride});
      running = running * size;
      continue;
    }
    for (std::size_t k = list.size(); k-- > 0;) {
      const int axis = compact[static_cast<std::size_t>(list[k])];
      made.subscripts.push_back({axis, stride});
      const Extent& size = region.axes[static_cast<std::size_t>(axis)].extent;
      stride = stride * size;
      running = running * size;
    }
  }
  return made;
}

}  // namespace kerf
