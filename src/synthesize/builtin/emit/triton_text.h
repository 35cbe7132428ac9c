// A kernel of language triton as it is written: tiles that are loaded, computed and stored. The schedules that put
// these together are in triton.cc.
//
// A tile runs over some axes (`loop_`) with positions `at`; `inside` says which are below the end. Its other dimension,
// where it has one, are rows (before the positions) or columns (behind them); `valid` says which of these exist. Values
// have the shape that their axes ask for, [n, 1] or [1, n] in tiles of two dimensions, so that they broadcast.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/kernel_text.h"

namespace kerf {

class TritonText : protected KernelText {
 protected:
  TritonText(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : KernelText(region, schedule, std::move(name), std::move(tune)) {}

  // --- a kernel ---------------------------------------------------------------------------------------------------
  void begin_kernel();
  void end_kernel(const std::string& name, const std::string& comment, const std::string& grid);
  // Has sizes that are multiples of 4, but not of 16, given as multiples: the compiler knows only of 16 by itself, and
  // loads vectors from rows of such sizes where it knows.
  void tell_alignment();
  std::string index_of(int v) override;
  // A tl.constexpr parameter.
  std::string constant(const std::string& name, const std::string& text);
  // Constants where a tile runs along one axis: the compiler then knows which of their loads are aligned.
  std::string of_windows(const std::string& name, const std::string& text) override;
  // Indices of the axes of `mask` from one flattened number.
  // `widen`: 64 bits wide, of a number of 32.
  void split_index(std::uint64_t mask, const std::string& flat, bool widen = false);
  // Of the loop's axes from `at`. Where they are two, and the inner one is as long as a tile, without dividing.
  void split_positions();

  // --- values -----------------------------------------------------------------------------------------------------
  std::string operand(int v) const;
  std::string narrow(int v) const;  // f32 where it is double
  void declare(int v);
  void declare_all(const std::set<int>& values);
  // Operands as a call needs them: literals become tensors if `all` of them are literals, or the operation says so.
  std::vector<std::string> operands_of(const Instruction& i, bool wide);

  // --- tiles ------------------------------------------------------------------------------------------------------
  // What of `inside`, `valid` and `condition` an access needs, as an argument of a load or store; empty for none.
  std::string mask(std::uint64_t axes, const std::string& condition = {}) const;
  std::string mask_of_load(const Instruction& load, const std::string& name);
  // An element's address beyond its tensor's first.
  std::string place(const Access& access, const std::string& name);
  std::string times(const std::string& index, const Extent& extent, const std::string& step, const Extent& stride);
  // Whether 32 bits say where an element is, of every tensor and of `more`. Divisions of 64 bits cost much, and so do
  // masks.
  bool is_near(const std::vector<Extent>& more = {});
  // `range` positions from `start`: at, inside. Below `end`.
  void open_tile(const std::string& start, const std::string& range, const std::string& end);
  // That no window of a tile from `begin` along the innermost axis is cut, and that all of it is inside; empty where no
  // window could be cut.
  std::string whole_tile(const std::string& begin, const std::string& range);
  // Whether some access of what `wanted` needs, or a store, goes by the indices of the loop's axes.
  bool needs_indices(const std::set<int>& values) const;
  // Computes `wanted` for all of the loop, tile by tile where the schedule does not hold it; `each`: in every tile.
  void pass(const std::set<int>& wanted, bool last, const std::function<void()>& each);

  // --- reductions -------------------------------------------------------------------------------------------------
  struct Number {
    std::string name, none;  // a variable; what it is where there is nothing
    bool wide = true;        // double, else float
  };
  // What partial results of a part consist of.
  std::vector<Number> numbers_of(std::size_t part) const;
  std::vector<Number> numbers_in(int wave) const;
  void reduce_part(std::size_t part);
  void reduce_alike(std::size_t part);
  void reduce_moments(std::size_t part);
  void reduce_exponentials(std::size_t part);
  // numbers_of(part) from tiles of them.
  void join(std::size_t part, const std::vector<std::string>& tiles);
  void declare_results(std::size_t part);
  std::string stem(std::size_t part) const;
  std::string reduced(const std::string& what, const std::string& join) const;
  std::string keep_dims() const { return two_dimensional() ? ", keep_dims=True" : ""; }
  [[nodiscard]] bool two_dimensional() const { return other_ != 0; }

  // --- stores -----------------------------------------------------------------------------------------------------
  void store(std::size_t k, const std::string& condition);
  void store_rows();
  void store_results(const std::string& condition);

  std::string tile_;               // what the names of its positions and masks begin with
  std::uint64_t other_ = 0;        // axes of the tile's dimension that is not looped over
  bool columns_ = false;           // that dimension comes last
  std::string shape_;              // of a whole tile: "[BLOCK]"
  std::string step_;               // positions of a tile
  std::string start_ = "0", end_;  // of the loop
  bool held_ = false;              // the tile at hand is all there is
  bool past_ = false;              // what is read for the last time leaves the caches
  bool last_ = false;              // the pass at hand is the last
  bool whole_ = false;             // the tile at hand is inside, and so are its windows
  bool zero_ = false;              // what is not there is 0, whatever it was
  std::vector<std::pair<std::string, std::string>> constants_;
  std::set<std::string> named_;  // indices of axes that are declared
};

}  // namespace kerf
