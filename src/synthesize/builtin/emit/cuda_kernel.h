// A kernel of language cuda as it is written: what a thread loads, computes and stores. The schedules that put these
// together are in cuda.cc.
//
// A block's threads run over some axes (`loop_`) with a position `at` below `n`, `width` elements of the innermost axis
// at a time and `unroll` such vectors a round: all of a round's loads are under way before the first value is used.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/emit/kernel_text.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/turned.h"

namespace kerf {

class CudaKernel : protected KernelText {
 protected:
  CudaKernel(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : KernelText(region, schedule, std::move(name), std::move(tune)),
        columns_(schedule.sketch == Sketch::columns),
        lanes_(schedule.lanes > 32 || schedule.sketch == Sketch::split ? tune_ : std::to_string(schedule.lanes)) {
    if (s_.keep) keep_ = kept_value(r_, s_);
  }

  void begin_kernel();
  // `grid` blocks in one dimension.
  void end_kernel(const std::string& name, const std::string& comment, const std::string& grid);
  void require_vectors();
  // The block's tile: its index, or all of them in turn where few blocks work off the launch.
  void open_tiles(const std::string& tiles);
  void close_tiles(const std::string& comment, const std::string& tiles);
  static std::string product(const std::string& text);

  // --- no reduction (cuda_flat.cc) ----------------------------------------------------------------------------------
  void flat();
  // What lies across goes through shared memory: threads that are neighbours load neighbours and store neighbours.
  void flat_turned(const Turned& lies);
  // Values that no position changes.
  void scalars();

  // --- values -----------------------------------------------------------------------------------------------------
  std::string operand(int v, bool lane);
  // One value where its operands are known; `lane`: for the element at hand of a vector.
  void declare(int v, bool lane);
  void declare_all(const std::set<int>& values, bool lane);
  // Those that do not change along the reduced axes and are ready after `wave`; along columns they are arrays.
  void declare_row_values(int wave);

  // --- passes -----------------------------------------------------------------------------------------------------
  std::string base_of(const Access& access, const std::string& name, bool writes);
  // Axes along which an index of what is looked up is known within a loop alone.
  std::uint64_t changing() const;
  std::string index_of(int v) override;
  std::string step_of(const Access& access, const std::string& name);
  struct Inside {
    std::function<void()> begin_round = [] {}, begin_vector = [] {}, element = [] {}, end_vector = [] {},
                          end_round = [] {};
  };
  // One pass over `loop_` that computes `wanted`. `last`: what it loads is not read again.
  void pass(const std::set<int>& wanted, bool last, bool indices, const Inside& inside);
  void load(int v, bool last);
  // An element of a window, or the position along an axis, for the element at hand of a vector.
  std::string element_of(int v);
  std::string literal_of(double value);
  void open_vectors();
  std::string vectors() const { return s_.hold ? "items" : std::to_string(s_.unroll); }
  std::string width() const { return std::to_string(s_.width); }
  // Threads between a thread's vectors, and the elements of a round of all of them.
  std::string stride_of_threads() const;

  // --- reductions -------------------------------------------------------------------------------------------------
  // What a thread has of a part's result: joined over threads, then over blocks.
  struct Total {
    std::string name, type, join, none;
    std::vector<std::string> numbers;  // what partial results consist of, doubles
    std::string made;                  // from {0}, {1} …
  };
  std::vector<Total> totals_of(std::size_t part) const;
  void reduce_part(std::size_t part);
  void reduce_alike(std::size_t part);
  void reduce_joint(std::size_t part);
  void declare_results(std::size_t part);
  std::string stem(std::size_t part) const;
  std::string first_of(ReduceOp op) const;
  // Rounds after which sums in float go into doubles; 0: there are fewer.
  std::int64_t stretch() const;

  // --- stores -----------------------------------------------------------------------------------------------------
  // Stores along `loop_`, in one pass.
  void store_rows();
  // Stores of what rows and columns are reduced to.
  void store_results(const std::string& condition);

  bool columns_ = false;
  std::string lanes_;                  // threads that share a row or column
  std::string begin_;                  // what `at` counts from; empty for 0
  std::string index_ = "int";          // the type of positions
  bool tail_ = false;                  // the last vector may be shorter
  bool past_ = false;                  // what is read for the last time leaves the caches
  std::map<int, std::string> arrays_;  // values with one number a column
  std::set<int> loaded_;               // loads whose vectors are in registers
  std::set<std::string> bases_;        // pointers that are declared
  std::optional<int> keep_;
};

}  // namespace kerf
