// The workings of lower(): values with their dimensions on axes that are unified as operators meet.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/ir.h"
#include "synthesize/general.h"

namespace kerf {

// A tensor-level value under construction: the instruction that gives an element, and the axes that each dimension is
// made of, outermost first; none for a dimension of size 1.
struct Lowered {
  int value = -1;
  std::vector<std::vector<int>> dims;
};

// How windows move over one dimension of a value: they are at shift + out * step, and their elements `apart` from
// there.
struct WindowStep {
  std::size_t dim = 0;
  int out = -1;     // the axis of the windows; none where there is one
  int inside = -1;  // the axis of a window's elements; none where `shift` is one of them
  Extent step, apart, shift;
  Extent limit;                       // of the dimension
  bool below = false, above = false;  // whether a position may be negative, or beyond the limit
};

// Thrown away inside lower(): an operator or a combination that one loop nest cannot do.
struct CannotLower {
  std::string why;
};

// Where a reference's plan name will stand in an expression: replaced when the plan is written.
[[nodiscard]] std::string placeholder(const TensorRef& ref);

class Lowering {
 public:
  Lowering(const GeneralGraph& graph, std::size_t workloads) : graph_(graph), workloads_(workloads) {}

  // Tensors and constants
  Lowered load(const TensorRef& ref);
  Lowered constant(double value);
  Lowered parameter(const std::string& text, std::vector<double> values);
  Lowered number(const GeneralArgument& argument);  // a literal or a generalised constant
  Lowered count(const std::vector<int>& axes);      // how many elements, as f32

  // Pointwise, with broadcasting; names the result after the node at hand.
  Lowered apply(Op op, std::vector<Lowered> operands);
  Lowered apply(Op op, const Lowered& a, double b) { return apply(op, {a, constant(b)}); }
  // What is there at an index along dimension `dim`, which may be another one at each position.
  Lowered pick(const Lowered& from, int dim, const Lowered& index);
  // All that is there at indices, by the dimension that each is of: theirs take the place of these where they are
  // neighbours, and are in front of all others where not.
  Lowered pick_all(const Lowered& from, const std::map<std::size_t, Lowered>& indices);
  // The dimensions of what is made of all of these, element by element.
  std::vector<std::vector<int>> broadcast(const std::vector<Lowered>& operands);

  // Reductions
  Lowered reduce(ReduceOp op, const Lowered& operand, const std::vector<int>& axes);  // drops the axes from the dims
  Lowered mean(const Lowered& operand, const std::vector<int>& axes);
  // What `op` makes of all elements up to each one, along a dimension.
  Lowered scan(ReduceOp op, const Lowered& operand, int dim);
  // The value with a dimension's elements in the opposite order: what is scanned along it is scanned the other way.
  Lowered flip(const Lowered& value, const std::vector<int>& dims);
  Lowered remove_dims(Lowered value, std::vector<int> dims, bool keepdim) const;
  [[nodiscard]] std::vector<int> axes_of(const Lowered& value, const std::vector<int>& dims) const;
  [[nodiscard]] std::vector<int> all_dims(const Lowered& value) const;

  // Windows. The value that `steps` move over, at each position of their axes; `outside` where that is not there.
  Lowered window(const Lowered& from, const std::vector<WindowStep>& steps, double outside);
  // The same for who never uses what is not there: there the value has no meaning, but nothing is read outside.
  Lowered moved(const Lowered& from, const std::vector<WindowStep>& steps, double outside);
  int window_axis(const std::string& name, Extent extent, bool inside);
  Lowered index(int axis, std::size_t dim, std::size_t rank);  // the position along an axis, as f32
  Lowered number(const Extent& extent);                        // as f32
  Lowered position(const WindowStep& step, std::size_t rank);  // where the window is along its dimension, as f32
  // That a number is what it is in the primary workload: others are not supported.
  void pin(const Extent& extent);
  [[nodiscard]] bool is_costly(const Lowered& value) const;                                // to compute again
  [[nodiscard]] std::size_t loads(const Lowered& value) const;                             // that it is computed from
  void is_inside(int axis) { axes_[static_cast<std::size_t>(root(axis))].inside = true; }  // of a window

  // Products
  // Whether what is summed over the axes comes from a reduction that keeps one of them: scores of an attention, that
  // weigh values. Such reductions are over different axes.
  [[nodiscard]] bool follows_reduction(const Lowered& value, const std::vector<int>& axes) const;
  // Whether several results of a product may load and compute the value anew: a few loads, nothing that costs much.
  [[nodiscard]] bool may_be_repeated(const Lowered& value) const;
  // The same value along axes of its own.
  Lowered apart(const Lowered& value);
  // The factors of a sum of products may be rounded as PyTorch's convolutions round them (Instruction::coarse), or are
  // rounded already.
  void allow_coarse(const Lowered& sum, bool rounded);
  // Whether a tensor holds what was rounded to TF32, in whatever order of dimensions.
  [[nodiscard]] bool is_rounded(const TensorRef& ref) const;

  // Shapes
  std::pair<int, int> split_axis(int axis, const Extent& outer, const Extent& inner);
  // `sizes`: plan expressions for the new extents where they are known, else empty.
  Lowered reshape(const Lowered& value, const GeneralTensor& to, const std::vector<std::string>& sizes);
  [[nodiscard]] const Extent& extent(int axis) const { return axes_[static_cast<std::size_t>(root(axis))].extent; }
  [[nodiscard]] std::size_t workloads() const { return workloads_; }

  // The node's result is a part of the tensor that holds it, which other nodes read once it is stored.
  struct Part {
    std::size_t dim = 0;
    Extent begin;
  };
  void place_in_part(const std::string& node, Part part) { in_part_.emplace(node, std::move(part)); }
  // A result is these values (which have one element there) side by side along a dimension; other nodes read it once it
  // is stored.
  void bind_side_by_side(const TensorRef& ref, std::size_t dim, std::vector<Lowered> values) {
    side_by_side_.insert_or_assign({ref.name, ref.index}, SideBySide{dim, std::move(values)});
  }

  void bind(const TensorRef& ref, Lowered value) { bound_.insert_or_assign({ref.name, ref.index}, std::move(value)); }
  [[nodiscard]] Lowered value(const TensorRef& ref);
  [[nodiscard]] bool is_used(const TensorRef& ref) const;  // by any node, or as an output
  [[nodiscard]] bool has(const TensorRef& ref) const { return bound_.contains({ref.name, ref.index}); }
  [[nodiscard]] bool is_load(const Lowered& v) const {
    return code_[static_cast<std::size_t>(v.value)].form == Instruction::Form::load;
  }
  void name_node(const std::string& name) { node_ = name; }
  [[nodiscard]] Type type(const Lowered& v) const { return code_[static_cast<std::size_t>(v.value)].type; }

  // `tentative`: results that cannot be stored are left out; the region may be empty.
  Region finish(const std::vector<TensorRef>& stores, bool tentative = false);

 private:
  struct RawAxis {
    std::string name;
    Extent extent;
    int parent = -1;
    std::vector<int> parts;  // not empty: replaced by these
    bool inside = false;     // of a window
  };
  struct RawWindow {
    int dim = 0;
    std::vector<std::pair<int, Extent>> terms;  // axes and steps
    Extent shift;
    bool below = false, above = false;
  };
  struct RawAccess {
    TensorRef ref;
    std::vector<std::vector<int>> dims;
    std::vector<RawWindow> windows = {};  // of dimensions that have no axes
    std::set<int> flipped = {};           // dimensions that are read from their end
    std::map<int, int> picks = {};        // dimensions that are read where an instruction says
  };
  [[nodiscard]] int root(int axis) const;
  std::pair<int, int> cut(int axis, Extent outer);
  [[nodiscard]] std::vector<int> expand(const std::vector<int>& list) const;  // roots, split ones by their parts
  void expand(Lowered& value) const;
  [[nodiscard]] std::vector<int> axes_of_value(int value) const;
  int new_axis(std::string name, Extent extent);
  bool unify(int a, int b);
  std::vector<int> unify_lists(const std::vector<int>& a, const std::vector<int>& b);
  int add(Instruction instruction, std::vector<int> axes);
  int at_index(int value, int axis, int index);
  int at_index(int value, int axis, int index, std::map<int, int>& done);
  int flipped(int value, int axis, std::map<int, int>& done);
  int along_others(int value, const std::map<int, int>& axes, std::map<int, int>& done);
  int at_window(int value, const std::map<int, const WindowStep*>& moved, double outside, std::map<int, int>& done);
  Access access(const RawAccess& raw, const std::vector<int>& compact, const Region& region) const;
  [[nodiscard]] Lowered stored(const TensorRef& ref);
  // What is stored where: all of a tensor, or a part.
  struct Sink {
    Lowered value;
    TensorRef ref;
    std::optional<Part> part;
  };
  struct SideBySide {
    std::size_t dim = 0;
    std::vector<Lowered> values;
  };
  [[nodiscard]] std::vector<Sink> sinks_of(const TensorRef& ref);
  [[nodiscard]] RawAccess store_of(const Sink& sink) const;
  // `leading`: a tensor that is loaded, in whose order in memory the axes are; that of the one with most axes
  // otherwise.
  Region finish(const std::vector<TensorRef>& stores, bool tentative, const TensorRef* leading);
  void merge_unrelated_axes();
  static void collapse(Region& region);

  const GeneralGraph& graph_;
  std::size_t workloads_;
  std::string node_ = "value";
  std::vector<RawAxis> axes_;
  std::vector<Instruction> code_;
  std::vector<std::vector<int>> code_axes_;    // raw, per instruction
  std::vector<std::vector<int>> reduce_over_;  // raw, per instruction
  std::vector<RawAccess> loads_;               // per instruction
  std::vector<Requirement> requirements_;
  bool chained_ = false;  // reductions follow one another over different axes (see follows_reduction)
  std::map<std::pair<std::string, int>, Lowered> bound_, loaded_;
  std::map<std::string, Part> in_part_;  // by node
  std::map<std::pair<std::string, int>, SideBySide> side_by_side_;
};

}  // namespace kerf
