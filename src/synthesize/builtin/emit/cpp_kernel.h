// A kernel as it is written: lines, arguments, offsets, loops around passes and what stands in them. The schedules that
// put these together are in cpp.cc.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/passes.h"

namespace kerf {

[[nodiscard]] constexpr std::uint64_t bit(int axis) { return std::uint64_t{1} << axis; }

// Where a value is computed.
enum class Place : std::uint8_t {
  task,   // once a task or row
  outer,  // in a loop around the vectors
  lane,   // for 16 elements
};

class CppKernel {
 protected:
  CppKernel(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : r_(region), s_(schedule), name_(std::move(name)), tune_(std::move(tune)) {
    inner_ = static_cast<int>(r_.axes.size()) - 1;
    for (int a = 0; a <= inner_; ++a) all_ |= bit(a);
    kept_ = all_ & ~r_.reduced;
    parts_ = parts(r_, s_.joint);
    if (s_.keep) keep_ = kept_value(r_, s_);
    if (s_.ahead) ahead_ = later_pass(r_, s_);
  }

  // --- text -------------------------------------------------------------------------------------------------------
  void line(const std::string& text) { body_ += std::string(2 * static_cast<std::size_t>(depth_), ' ') + text + "\n"; }
  void open(const std::string& text);
  void close(const std::string& text = "}");
  void need(const std::string& helper);

  // --- a kernel's arguments ---------------------------------------------------------------------------------------
  void begin_kernel();
  std::string argument(const std::string& type, const std::string& name, const std::string& text);
  std::string size(int axis);
  std::string size_of_axes(std::uint64_t mask);
  void end_kernel(const std::string& name, const std::string& comment, std::vector<std::string> grid,
                  const std::vector<std::string>& indices);

  // --- tensors ----------------------------------------------------------------------------------------------------
  const char* element(const Access& a) const;
  std::string pointer(const Access& access, const std::string& name, bool writes);
  std::string stride(const Access& access, const Extent& stride_extent, int axis, const std::string& name);
  // Element offset by all axes but those in `without`.
  std::string offset(const Access& access, const std::string& name, std::uint64_t without);
  std::uint64_t axes_of(const Access& access) const;

  // --- values -----------------------------------------------------------------------------------------------------
  const Instruction& at(int v) const { return r_.code[static_cast<std::size_t>(v)]; }
  bool along_inner(int v) const { return inner_ >= 0 && (at(v).axes & bit(inner_)) != 0; }
  bool of_row(int v) const { return (at(v).axes & r_.reduced) == 0; }

  // What must be computed for the sinks, operands first, stopping at what is declared already.
  void collect(int v, std::set<int>& into) const;

  CppOperand operand(int v, bool lane);

  // Declares one value. In a lane, `index` is the innermost position relative to the pointers, w the number of
  // elements.
  void declare(int v, Place place);
  void declare_all(const std::set<int>& values, Place place);
  // The values of a lane; the one that later passes need is kept, the next row's part is fetched.
  void declare_lane(const std::set<int>& values);

  // Pointers to the innermost axis, one a load: declared where the other indices are known.
  void declare_pointers(const std::set<int>& values);

  // for loops over some axes, outermost first; returns how many were opened.
  int open_loops(std::uint64_t mask);
  // Indices of the axes of `mask` from one flattened number.
  void unflatten(std::uint64_t mask, const std::string& flat_index);

  // --- passes -----------------------------------------------------------------------------------------------------
  struct Scope {
    std::set<int> declared;
    std::map<int, std::string> pointers;
  };
  Scope save() const { return {declared_, pointers_}; }
  void restore(Scope scope);

  // One pass over the reduced axes: opens loops around the innermost, declares what they fix, and calls `inside` with
  // the values that are left for the lanes. `chunk` names the range of the axis that is cut up, if any.
  template <class Inside>
  void pass(const std::set<int>& wanted, std::uint64_t loops, Inside inside);
  // What was declared in loops or lanes is gone; outside of loops, scalars and pointers stay.
  void leave(Scope scope, bool same_block, const std::set<int>& lanes);
  int axis_of(std::uint64_t mask) const;
  std::pair<std::string, std::string> inner_range();
  std::string first_of(ReduceOp op) const;

  // A part's reductions over the innermost (reduced) axis and the loops around it: leaves their totals.
  void reduce_part(std::size_t part);
  void reduce_joint(const Joint& joint, const std::string& totals);
  void reduce_alike(const std::vector<int>& reductions, const std::string& totals);
  std::string totals_of(std::size_t part) const;
  // The numbers that a part's totals consist of, and the reductions that they give.
  std::vector<std::string> numbers_of(std::size_t part) const;
  void declare_results(std::size_t part, const std::string& totals);
  std::string as_vector(const CppOperand& o) const { return o.vector ? o.text : "splat16(" + o.text + ")"; }

  // Values that do not change along the reduced axes and are needed later, once a row.
  std::set<int> row_values(int after_wave) const;

  void store_lane(const RegionStore& store, const std::string& base);
  std::string store_pointer(std::size_t k, const std::string& name) { return pointer(r_.stores[k].access, name, true); }
  std::string store_name(std::size_t k) const;

  // Stores that change along the innermost axis, in one pass over `loops`.
  void store_pass(std::uint64_t loops, bool inner_stores);

  std::string describe() const;
  // Placeholders without their marks, for comments.
  static std::string readable(const std::string& text);

  // Whether a value that is ready after `wave` is an operand of anything that is computed later.
  bool used_later(int v, int wave) const;
  // Inside the lambda the lane's value has the array's name: give it another.
  void fix_shadow(int v);

  const Region& r_;
  const Schedule& s_;
  std::string name_, tune_;
  int inner_ = -1;
  std::uint64_t all_ = 0, kept_ = 0, chunked_ = 0;
  Emitted out_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::vector<std::string> arguments_;
  std::string body_, lane_index_, column_;  // column_: the position in arrays_
  int depth_ = 1;
  std::set<int> declared_;
  std::map<int, std::string> pointers_;
  std::map<int, std::string> arrays_;  // values that lie in memory, and where
  std::set<int> wide_;                 // sums and what follows from them, of a row: doubles
  std::vector<KernelPart> parts_;
  std::optional<int> keep_;
  std::optional<std::size_t> ahead_;
  bool keeping_ = false;   // the pass at hand keeps keep_
  bool fetching_ = false;  // the pass at hand fetches the next row
};

}  // namespace kerf
