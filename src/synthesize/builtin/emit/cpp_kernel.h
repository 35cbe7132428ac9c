// A kernel of language cpp as it is written: values in lanes, loops around passes and what stands in them. The
// schedules that put these together are in cpp.cc, cpp_columns.cc and cpp_scan.cc.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/kernel_text.h"

namespace kerf {

// Where a value is computed.
enum class Place : std::uint8_t {
  task,   // once a task or row
  outer,  // in a loop around the vectors
  lane,   // for a vector of elements
};

class CppKernel : protected KernelText {
 protected:
  CppKernel(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : KernelText(region, schedule, std::move(name), std::move(tune)) {
    if (s_.keep) keep_ = kept_value(r_, s_);
    if (s_.ahead) ahead_ = later_pass(r_, s_);
  }

  void end_kernel(const std::string& name, const std::string& comment, std::vector<std::string> grid,
                  const std::vector<std::string>& indices);

  // --- values -----------------------------------------------------------------------------------------------------
  CppOperand operand(int v, bool lane);

  // Where the first lane of a load is, and how far apart its lanes are.
  struct Lanes {
    std::string first, apart;
  };
  Lanes lanes_of(int v);
  // Integers that are compared with integers: floats would not tell large ones apart.
  bool compares_integers(const Instruction& i) const;
  std::string compared_integers(const Instruction& i);

  // Declares one value. In a lane, `index` is the innermost position relative to the pointers, w the number of
  // elements.
  void declare(int v, Place place);
  void declare_all(const std::set<int>& values, Place place);
  // Whether a choice takes the value, or what is computed of it alone: a load then is one of parts side by side.
  bool is_chosen(int v) const;
  // A load of lanes each of which has an index of its own.
  std::string gathered_lanes(int v);
  std::string index_of(int v) override;
  std::string guarded_lanes(const Instruction& load, const std::string& here, const std::string& step);
  // The values of a lane; the one that later passes need is kept, the next row's part is fetched.
  void declare_lane(const std::set<int>& values);

  // Where the value that is kept lies, of the innermost row that the loops are in.
  std::string kept_row();

  // Pointers to the innermost axis, one a load: declared where the other indices are known.
  void declare_pointers(const std::set<int>& values);

  // for loops over some axes, outermost first; returns how many were opened.
  int open_loops(std::uint64_t mask);

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
  std::string as_vector(const CppOperand& o) const { return o.vector ? o.text : "splatv(" + o.text + ")"; }

  void store_lane(const RegionStore& store, const std::string& base);
  std::string store_pointer(std::size_t k, const std::string& name) { return pointer(r_.stores[k].access, name, true); }
  std::string store_name(std::size_t k) const;

  // Stores that change along the innermost axis, in one pass over `loops`.
  void store_pass(std::uint64_t loops, bool inner_stores);

  // Whether a value that is ready after `wave` is an operand of anything that is computed later.
  bool used_later(int v, int wave) const;
  // Inside the lambda the lane's value has the array's name: give it another.
  void fix_shadow(int v);

  std::uint64_t chunked_ = 0;
  std::string lane_index_, column_;  // column_: the position in arrays_
  std::map<int, std::string> pointers_;
  std::map<int, std::string> arrays_;  // values that lie in memory, and where
  std::set<int> turned_;               // loads that were copied so that the innermost axis runs along memory
  std::optional<int> keep_;
  std::optional<std::size_t> ahead_;
  bool keeping_ = false;   // the pass at hand keeps keep_
  bool fetching_ = false;  // the pass at hand fetches the next row
};

}  // namespace kerf
