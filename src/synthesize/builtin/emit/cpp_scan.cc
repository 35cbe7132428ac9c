#include "synthesize/builtin/emit/cpp_scan.h"

#include <fmt/format.h>

#include <bit>
#include <map>
#include <set>
#include <utility>

#include "synthesize/builtin/emit/cpp_kernel.h"

namespace kerf {
namespace {

const char* join_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "Plus";
    case ReduceOp::prod:
      return "Times";
    case ReduceOp::max:
      return "Greatest";
    default:
      return "Smallest";
  }
}

class Emitter : private CppKernel {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : CppKernel(region, schedule, std::move(name), std::move(tune)), axis_(std::countr_zero(region.scanned)) {
    scans_ = r_.scans();
    backward_ = at(scans_[0]).backward;
  }

  Emitted run() {
    out_.tune = {tune_, s_.block};
    if (s_.sketch == Sketch::rows) rows();
    if (s_.sketch == Sketch::columns) columns();
    if (s_.sketch == Sketch::split) split();
    return std::move(out_);
  }

 private:
  void begin_kernel() {
    KernelText::begin_kernel();
    pointers_.clear();
    need("least");
  }
  std::string so_far(int scan) const { return at(scan).name + "_so_far"; }

  // What the scans of a region are computed from, or what is stored, beginning with what does not change along lanes.
  struct Values {
    std::set<int> scalars, lanes;
  };
  Values values_for(const std::set<int>& wanted) const {
    Values found;
    std::set<int> all;
    for (const int v : wanted) collect(v, all);
    for (const int v : all) (along_inner(v) ? found.lanes : found.scalars).insert(v);
    return found;
  }
  std::set<int> stored() const {
    std::set<int> found;
    for (const RegionStore& store : r_.stores) found.insert(store.value);
    return found;
  }
  // `scan` writes the text of a scan's vector.
  void declare_vectors(const std::set<int>& lanes, auto&& scan) {
    for (const int v : lanes) {
      if (declared_.contains(v)) continue;
      if (at(v).form == Instruction::Form::scan) {
        line(fmt::format("const f32v {} = {};", cpp_name(at(v).name), scan(v)));
      } else {
        declare(v, Place::lane);
      }
      declared_.insert(v);
    }
  }
  std::vector<std::string> store_bases() {
    std::vector<std::string> bases;
    for (std::size_t k = 0; k < r_.stores.size(); ++k) {
      const std::string base = store_pointer(k, store_name(k));
      const std::string rest = offset(r_.stores[k].access, store_name(k), bit(inner_));
      bases.push_back(rest.empty() ? base : store_name(k) + "_at");
      if (!rest.empty()) line(fmt::format("{}* {} = {}{};", element(r_.stores[k].access), bases.back(), base, rest));
    }
    return bases;
  }
  void store_vectors(const std::vector<std::string>& bases) {
    for (std::size_t k = 0; k < r_.stores.size(); ++k) store_lane(r_.stores[k], bases[k]);
  }

  // One row, or `begin` to `end` of it.
  void scan_row(const std::string& begin, const std::string& end) {
    const Values values = values_for(stored());
    declare_all(values.scalars, Place::task);
    declare_pointers(values.lanes);
    const std::vector<std::string> bases = store_bases();
    lane_index_ = column_ = axis_name(inner_);
    need("scanv");
    open(fmt::format("alongv<{}>({}, {}, [&](int64_t {}, int64_t w) {{", backward_, begin, end, axis_name(inner_)));
    declare_vectors(values.lanes, [&](int v) {
      return fmt::format("scanv<{}, {}>({}, w, {})", join_of(at(v).reduce), backward_,
                         as_vector(operand(at(v).operands[0], true)), so_far(v));
    });
    store_vectors(bases);
    close("});");
  }

  void rows() {
    begin_kernel();
    const std::string& length = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    const std::uint64_t outer = all_ & ~bit(inner_);
    if (outer) {
      const std::string rows = argument("int64_t", "rows", fmt::format("max(1, {} // ({}))", tune_, length));
      open(fmt::format("for (int64_t row = group * {0}; row < least((group + 1) * {0}, {1}); ++row) {{", rows,
                       size_of_axes(outer)));
      unflatten(outer, "row");
    }
    for (const int v : scans_) line(fmt::format("double {} = {}::none;", so_far(v), join_of(at(v).reduce)));
    scan_row("0", size(inner_));
    if (outer) close();
    end_kernel(name_, describe(),
               {outer ? fmt::format("cdiv({}, max(1, {} // ({})))", r_.extent_of(outer).text, tune_, length) : "1"},
               {outer ? "group" : "task"});
  }

  void split() {
    const std::uint64_t outer = all_ & ~bit(inner_);
    const std::string chunks =
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, tune_);
    const std::string row_count = r_.extent_of(outer).text, partial = name_ + "_part";
    const auto begin_piece = [&] {
      begin_kernel();
      line(fmt::format("const int64_t begin = chunk * {0}, end = least(begin + {0}, {1});", tune_, size(inner_)));
      argument("int64_t", "chunks", chunks);
      if (outer) unflatten(outer, "row");
    };
    // What each piece comes to.
    begin_piece();
    std::set<int> operands;
    for (const int v : scans_) {
      operands.insert(at(v).operands[0]);
      line(fmt::format("f64v {}_lanes = splatv({}::none);", at(v).name, join_of(at(v).reduce)));
    }
    const Values values = values_for(operands);
    declare_all(values.scalars, Place::task);
    declare_pointers(values.lanes);
    lane_index_ = column_ = axis_name(inner_);
    need("scanv");
    open(fmt::format("alongv<false>(begin, end, [&](int64_t {}, int64_t w) {{", axis_name(inner_)));
    declare_vectors(values.lanes, [](int) { return std::string(); });  // no scan is an operand of another
    for (const int v : scans_)
      line(fmt::format("take_in<{}>({}, w, {}_lanes);", join_of(at(v).reduce),
                       as_vector(operand(at(v).operands[0], true)), at(v).name));
    close("});");
    const std::string to = argument("double*", partial + "_to", partial);
    for (std::size_t k = 0; k < scans_.size(); ++k)
      line(fmt::format("{}[(row * chunks + chunk) * {} + {}] = all_lanes<{}>({}_lanes);", to, scans_.size(), k,
                       join_of(at(scans_[k]).reduce), at(scans_[k]).name));
    out_.scratch.push_back(
        {.name = partial, .dtype = "f64", .shape = {row_count, chunks, std::to_string(scans_.size())}});
    end_kernel(name_ + "_pieces", fmt::format("{}: what each piece of a row comes to", describe()), {chunks, row_count},
               {"chunk", "row"});
    // Each piece, from what those before it come to.
    begin_piece();
    const std::string from = argument("const double*", partial + "_from", partial);
    for (std::size_t k = 0; k < scans_.size(); ++k) {
      const int v = scans_[k];
      line(fmt::format("double {} = {}::none;", so_far(v), join_of(at(v).reduce)));
      line(fmt::format("for (int64_t c = {}; c < {}; ++c) {} = {}::join({}, {}[(row * chunks + c) * {} + {}]);",
                       backward_ ? "chunk + 1" : "0", backward_ ? "chunks" : "chunk", so_far(v), join_of(at(v).reduce),
                       so_far(v), from, scans_.size(), k));
    }
    scan_row("begin", "end");
    end_kernel(name_, describe(), {chunks, row_count}, {"chunk", "row"});
  }

  // A block of columns, from one end of the scanned axis to the other.
  void columns() {
    begin_kernel();
    const std::uint64_t outer = all_ & ~bit(inner_) & ~r_.scanned;
    line(fmt::format("const int64_t begin = block * {0}, width = least({0}, {1} - begin);", tune_, size(inner_)));
    if (outer) unflatten(outer, "row");
    for (const int v : scans_) {
      line(fmt::format("double {}[{}];", so_far(v), tune_));
      line(fmt::format("for (int64_t c = 0; c < {}; ++c) {}[c] = {}::none;", tune_, so_far(v), join_of(at(v).reduce)));
    }
    const std::string n = size(axis_), i = axis_name(axis_);
    open(backward_ ? fmt::format("for (int64_t {0} = {1} - 1; {0} >= 0; --{0}) {{", i, n)
                   : fmt::format("for (int64_t {0} = 0; {0} < {1}; ++{0}) {{", i, n));
    const Values values = values_for(stored());
    declare_all(values.scalars, Place::outer);
    declare_pointers(values.lanes);
    const std::vector<std::string> bases = store_bases();
    need("eachv");
    need("scanv");
    open(fmt::format("eachv<{}>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {{", s_.unroll));
    lane_index_ = "begin + c";
    column_ = "c";
    declare_vectors(values.lanes, [&](int v) {
      return fmt::format("stepv<{}>({}, {} + c)", join_of(at(v).reduce), as_vector(operand(at(v).operands[0], true)),
                         so_far(v));
    });
    store_vectors(bases);
    close("});");
    close();
    std::vector<std::string> grid = {
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, tune_)};
    std::vector<std::string> indices = {"block"};
    if (outer) {
      grid.push_back(r_.extent_of(outer).text);
      indices.emplace_back("row");
    }
    end_kernel(name_, describe(), grid, indices);
  }

  int axis_ = 0;
  bool backward_ = false;
  std::vector<int> scans_;
};

}  // namespace

Emitted emit_cpp_scan(const Region& region, const Schedule& schedule, const std::string& name,
                      const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
