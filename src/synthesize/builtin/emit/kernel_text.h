// What kernels of every language are written with: lines, arguments, sizes, offsets, and which values are computed
// when.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/passes.h"

namespace kerf {

[[nodiscard]] constexpr std::uint64_t bit(int axis) { return std::uint64_t{1} << axis; }

// Of what follows from a sum, such operations are done in double: a mean that is rounded twice would move a whole row.
[[nodiscard]] bool is_arithmetic(Op op);

class KernelText {
 public:
  KernelText(const KernelText&) = delete;
  KernelText& operator=(const KernelText&) = delete;

 protected:
  KernelText(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : r_(region), s_(schedule), name_(std::move(name)), tune_(std::move(tune)) {
    inner_ = static_cast<int>(r_.axes.size()) - 1;
    for (int a = 0; a <= inner_; ++a) all_ |= bit(a);
    kept_ = all_ & ~r_.reduced;
    parts_ = parts(r_, s_.joint);
    out_.requirements = r_.requirements;
  }
  virtual ~KernelText() = default;

  // --- text -------------------------------------------------------------------------------------------------------
  void line(const std::string& text) { body_ += std::string(2 * static_cast<std::size_t>(depth_), ' ') + text + "\n"; }
  void open(const std::string& text);
  void close(const std::string& text = "}");
  void need(const std::string& helper);

  // --- a kernel's arguments ---------------------------------------------------------------------------------------
  void begin_kernel();
  std::string argument(const std::string& type, const std::string& name, const std::string& text);
  // An argument that several accesses may share: one parameter for each text, under the first free name.
  std::string shared_argument(const std::string& type, const std::string& name, const std::string& text);
  // A literal where the extent is one, else an argument.
  std::string number(const Extent& extent, const std::string& name);
  // Where windows are and how they move, by default arguments that accesses share.
  virtual std::string of_windows(const std::string& name, const std::string& text);
  std::string size(int axis);
  std::string size_of_axes(std::uint64_t mask);
  // "const float* __restrict__ x_from, int64_t I"
  [[nodiscard]] std::string parameter_list() const;

  // --- tensors ----------------------------------------------------------------------------------------------------
  const char* element(const Access& a) const;
  std::string pointer(const Access& access, const std::string& name, bool writes);
  std::string stride(const Access& access, const Extent& stride_extent, int axis, const std::string& name);
  // Element offset by all axes but those in `without`, and by indices that do not change along these.
  std::string offset(const Access& access, const std::string& name, std::uint64_t without);
  // What indices add to it, of those that change along `axes`, or of the others: " + index * stride".
  std::string picked(const Access& access, const std::string& name, std::uint64_t axes, bool along);
  // A value as an integer that is an index.
  virtual std::string index_of(int v);
  // What must hold for an access to be inside of its tensor, with the axes' indices as `index` spells them. Windows
  // along `without` are left out.
  std::vector<std::string> bounds(const Access& access, const std::string& name,
                                  const std::function<std::string(int axis)>& index, int without = -1);
  // "i * 2 + -1": where a window is along its dimension.
  std::string window_index(const Window& window, const std::string& name,
                           const std::function<std::string(int axis)>& index);
  std::string axis_name(int axis) const { return r_.axes[static_cast<std::size_t>(axis)].name; }
  std::uint64_t axes_of(const Access& access) const;
  // Whether the position along `loop_` itself says where the element is; otherwise the indices of the axes are needed.
  bool runs_evenly(const Access& access) const;
  bool loops_over(const Access& access) const { return (axes_of(access) & loop_) != 0; }
  std::string store_name(std::size_t k) const;

  // --- what the source bakes in -----------------------------------------------------------------------------------
  void require(const std::string& text, const std::function<bool(std::size_t workload)>& holds);
  // Whether an extent is below 2^31 in every workload; then the source relies on it.
  bool is_small(const Extent& extent);

  // --- values -----------------------------------------------------------------------------------------------------
  const Instruction& at(int v) const { return r_.code[static_cast<std::size_t>(v)]; }
  // Loads that are no vectors of neighbours, whatever their strides are.
  bool is_by_element(int v) const {
    return !at(v).access.windows.empty() || (inner_ >= 0 && r_.picks_along(at(v).access, bit(inner_)));
  }
  bool along_inner(int v) const { return inner_ >= 0 && (at(v).axes & bit(inner_)) != 0; }
  bool of_row(int v) const { return (at(v).axes & r_.reduced) == 0; }

  // What must be computed for the sinks, operands first, stopping at what is declared already.
  void collect(int v, std::set<int>& into) const;
  // Values that do not change along the reduced axes and are needed later, once a row.
  std::set<int> row_values(int after_wave) const;

  // Indices of the axes of `mask` from one flattened number.
  void unflatten(std::uint64_t mask, const std::string& flat_index);

  std::vector<std::size_t> parts_in(int wave) const;

  std::string describe() const;
  // Placeholders without their marks, for comments.
  static std::string readable(const std::string& text);

  const Region& r_;
  const Schedule& s_;
  std::string name_, tune_;
  int inner_ = -1;
  std::uint64_t all_ = 0, kept_ = 0;
  std::uint64_t loop_ = 0;  // GPUs: axes that a position within a row or a tile runs over
  Emitted out_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::vector<std::string> arguments_;
  std::string body_;
  int depth_ = 1;
  std::set<int> declared_;
  std::set<int> wide_;  // sums and what follows from them, of a row: doubles
  std::vector<KernelPart> parts_;
};

}  // namespace kerf
