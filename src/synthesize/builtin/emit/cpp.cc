#include "synthesize/builtin/emit/cpp.h"

#include <fmt/format.h>

#include <utility>

#include "synthesize/builtin/emit/cpp_columns.h"
#include "synthesize/builtin/emit/cpp_kernel.h"
#include "synthesize/builtin/emit/cpp_scan.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

constexpr std::int64_t turned_piece = 1024;  // elements of the axis that is turned, a multiple of 16

class Emitter : private CppKernel {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : CppKernel(region, schedule, std::move(name), std::move(tune)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    switch (s_.sketch) {
      case Sketch::flat:
        flat();
        break;
      case Sketch::rows:
        rows();
        break;
      case Sketch::split:
        split();
        break;
      case Sketch::columns:  // in cpp_columns.cc
      case Sketch::product:
      case Sketch::attention:  // never legal
        break;
    }
    return std::move(out_);
  }

 private:
  void begin_kernel() {
    KernelText::begin_kernel();
    pointers_.clear();
  }

  // --- sketches ---------------------------------------------------------------------------------------------------
  // Tensors that lie across the others are turned on the stack, 16 rows of a block at a time.
  void flat_turned(const Turned& lies) {
    begin_kernel();
    need("least");
    need("turn");
    line(fmt::format("const int64_t begin = block * {0}, end = least(begin + {0}, {1});", tune_, size(inner_)));
    std::vector<std::string> grid = {
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, tune_)};
    std::vector<std::string> indices = {"block"};
    if (const std::uint64_t rest = all_ & ~bit(inner_) & ~bit(lies.axis)) {
      unflatten(rest, "row");
      grid.push_back(r_.extent_of(rest).text);
      indices.emplace_back("row");
    }
    chunked_ = bit(inner_);
    for (const int v : lies.loads) {
      turned_.insert(v);
      line(fmt::format("float {}_turned[16 * {}];", at(v).name, tune_));
    }
    const std::string& n = r_.axes[static_cast<std::size_t>(lies.axis)].name;
    // A long axis is worked off in pieces.
    const Extent& along = r_.axes[static_cast<std::size_t>(lies.axis)].extent;
    std::string start = "0", stop = size(lies.axis);
    if (along.values[0] > turned_piece) {
      line(fmt::format("const int64_t start = piece * {0}, stop = least(start + {0}, {1});", turned_piece, stop));
      start = "start";
      stop = "stop";
      grid.push_back(fmt::format("cdiv({}, {})", along.text, turned_piece));
      indices.emplace_back("piece");
    }
    open(fmt::format("for (int64_t first = {}; first < {}; first += 16) {{", start, stop));
    line(fmt::format("const int64_t height = least(16, {} - first);", stop));
    for (const int v : lies.loads) {
      const Access& access = at(v).access;
      const std::string& name = at(v).name;
      const std::string step = stride(access, access.along(inner_)->stride, inner_, name);
      const std::string apart = stride(access, access.along(lies.axis)->stride, lies.axis, name);
      line(fmt::format("turn({0}_turned, {1}, {2}{3} + begin * {4} + first * {5}, {4}, {5}, end - begin, height);",
                       name, tune_, pointer(access, name, false), offset(access, name, bit(inner_) | bit(lies.axis)),
                       step, apart));
    }
    open(fmt::format("for (int64_t {0} = first; {0} < first + height; ++{0}) {{", n));
    for (const int v : lies.loads) {
      pointers_[v] = at(v).name + "_at";
      line(fmt::format("const float* {0} = {1}_turned + ({2} - first) * {3} - begin;", pointers_[v], at(v).name, n,
                       tune_));
    }
    store_pass(0, true);
    close();
    close();
    chunked_ = 0;
    turned_.clear();
    end_kernel(name_, describe(), grid, indices);
  }

  void flat() {
    bool small = false;
    for (const RegionStore& store : r_.stores)
      small = small || inner_ < 0 || (axes_of(store.access) & bit(inner_)) == 0;
    if (const auto lies = turned(r_); lies && !small) return flat_turned(*lies);
    begin_kernel();
    if (inner_ < 0) {  // a single element
      store_pass(0, false);
      end_kernel(name_, "one element", {"1"}, {"task"});
      return;
    }
    const std::uint64_t outer = all_ & ~bit(inner_);
    need("least");
    const std::string n = size(inner_);
    line(fmt::format("const int64_t begin = block * {0}, end = least(begin + {0}, {1});", tune_, n));
    chunked_ = bit(inner_);
    const std::string& extent = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    std::vector<std::string> grid = {fmt::format("cdiv({}, {})", extent, tune_)};
    std::vector<std::string> indices = {"block"};
    if (outer) {
      // Short innermost axes: a task takes several of them.
      const std::string rows = argument("int64_t", "rows", fmt::format("max(1, {} // ({}))", tune_, extent));
      open(fmt::format("for (int64_t row = group * {0}; row < least((group + 1) * {0}, {1}); ++row) {{", rows,
                       size_of_axes(outer)));
      unflatten(outer, "row");
      grid.push_back(fmt::format("cdiv({}, max(1, {} // ({})))", r_.extent_of(outer).text, tune_, extent));
      indices.emplace_back("group");
    }
    // Stores that do not change along the innermost axis belong to the first block.
    store_pass(0, true);
    if (small) {
      open("if (block == 0) {");
      store_pass(0, false);
      close();
    }
    if (outer) close();
    chunked_ = 0;
    end_kernel(name_, describe(), grid, indices);
  }

  void waves_and_stores() {
    declare_all(row_values(0), Place::task);
    for (int wave = 1; wave <= r_.waves; ++wave) {
      for (const std::size_t part : parts_in(wave)) {
        reduce_part(part);
        declare_results(part, totals_of(part));
      }
      declare_all(row_values(wave), Place::task);
    }
    fetching_ = ahead_ == parts_.size();
    store_pass(r_.reduced, true);
    fetching_ = false;
    store_pass(0, false);
  }

  void rows() {
    begin_kernel();
    if (keep_) {  // a row of each thread's, of whole vectors; where rows are several, the last vector of one runs on
                  // into the next
      const int beyond = r_.reduced == bit(inner_) ? 0 : 15;
      const std::string name = name_ + "_kept";
      const std::string n = r_.extent_of(r_.reduced).text + (beyond ? fmt::format(" + {}", beyond) : "");
      out_.scratch.push_back({.name = name, .dtype = "f32", .shape = {"threads", fmt::format("cdiv({}, 16) * 16", n)}});
      line(fmt::format("float* const kept = {} + {} * (({} + {}) / 16 * 16);", argument("float*", "kept_rows", name),
                       argument("int64_t", "thread", "thread"), size_of_axes(r_.reduced), 15 + beyond));
    }
    const std::string reduced = r_.extent_of(r_.reduced).text;
    if (kept_) {
      need("least");
      const std::string rows_arg = argument("int64_t", "rows", fmt::format("max(1, {} // ({}))", tune_, reduced));
      open(fmt::format("for (int64_t row = group * {0}; row < least((group + 1) * {0}, {1}); ++row) {{", rows_arg,
                       size_of_axes(kept_)));
      unflatten(kept_, "row");
      waves_and_stores();
      close();
      end_kernel(name_, describe(),
                 {fmt::format("cdiv({}, max(1, {} // ({})))", r_.extent_of(kept_).text, tune_, reduced)}, {"group"});
    } else {
      waves_and_stores();
      end_kernel(name_, describe(), {"1"}, {"task"});
    }
  }

  // Partial results of wave w, f64, lie in NAME_w[row][chunk][number].
  std::string partial_name(int wave) const { return fmt::format("{}_part{}", name_, wave); }
  std::size_t numbers_in(int wave) const {
    std::size_t n = 0;
    for (const std::size_t part : parts_in(wave)) n += numbers_of(part).size();
    return n;
  }
  void combine(int wave) {
    const std::size_t all = numbers_in(wave);
    if (all == 0) return;
    const std::string from = argument("const double*", partial_name(wave), partial_name(wave));
    std::size_t at_number = 0;
    for (const std::size_t part : parts_in(wave)) {
      const KernelPart& p = parts_[part];
      const std::string totals = totals_of(part);
      const std::vector<std::string> numbers = numbers_of(part);
      const auto number = [&](std::size_t k) {
        return fmt::format("{}[(row * chunks + c) * {} + {}]", from, all, at_number + k);
      };
      if (p.joint) {
        const bool moments = p.joint->kind == Joint::Kind::moments;
        need(moments ? "moments" : "exponentials");
        line(fmt::format("{} {};", moments ? "Moments" : "Exponentials", totals));
        line(fmt::format("for (int64_t c = 0; c < chunks; ++c) join({}, {}, {}{});", totals, number(0), number(1),
                         moments ? ", " + number(2) : ""));
      } else {
        const ReduceOp op = at(p.reductions[0]).reduce;
        std::string init, step;
        for (std::size_t k = 0; k < numbers.size(); ++k) {
          init += (k ? ", " : "") + (op == ReduceOp::sum ? std::string("0") : first_of(op));
          if (op == ReduceOp::sum) {
            step += fmt::format("{}{} += {}", k ? ", " : "", numbers[k], number(k));
          } else {
            const char* fold = op == ReduceOp::max ? "greater" : "smaller";
            need(fold);
            step += fmt::format("{}{} = {}((float){}, {})", k ? ", " : "", numbers[k], fold, number(k), numbers[k]);
          }
        }
        line(
            fmt::format("{} {}[{}] = {{{}}};", op == ReduceOp::sum ? "double" : "float", totals, numbers.size(), init));
        line(fmt::format("for (int64_t c = 0; c < chunks; ++c) {};", step));
      }
      declare_results(part, totals);
      at_number += numbers.size();
    }
  }
  void split() {
    const int cut = axis_of(r_.reduced);
    const std::string inner_extent = r_.extent_of(r_.reduced & ~bit(cut)).text;
    const std::string cut_extent = r_.axes[static_cast<std::size_t>(cut)].extent.text;
    const bool alone = (r_.reduced & ~bit(cut)) == 0;
    const std::string length = alone ? tune_ : fmt::format("max(1, {} // ({}))", tune_, inner_extent);
    const std::string chunks = fmt::format("cdiv({}, {})", cut_extent, length);
    const std::string row_count = r_.extent_of(kept_).text;
    bool reduced_stores = false;
    for (const RegionStore& store : r_.stores)
      reduced_stores = reduced_stores || (axes_of(store.access) & r_.reduced) != 0;
    for (int wave = 1; wave <= r_.waves + 1; ++wave) {
      const bool last = wave > r_.waves;
      if (!last && parts_in(wave).empty()) continue;  // done by the pass before
      begin_kernel();
      const bool loops = !last || reduced_stores;
      if (loops) {
        need("least");
        const std::string step = alone ? tune_ : argument("int64_t", "length", length);
        line(fmt::format("const int64_t begin = chunk * {0}, end = least(begin + {0}, {1});", step, size(cut)));
      }
      if (wave > 1 || !last) argument("int64_t", "chunks", chunks);
      if (kept_) unflatten(kept_, "row");
      for (int before = 1; before < wave; ++before) {
        declare_all(row_values(before - 1), Place::task);
        combine(before);
      }
      declare_all(row_values(wave - 1), Place::task);
      std::string kernel = last ? name_ : fmt::format("{}_pass{}", name_, wave);
      if (!last) {
        chunked_ = bit(cut);
        for (const std::size_t part : parts_in(wave)) reduce_part(part);
        chunked_ = 0;
        const std::string to = argument("double*", partial_name(wave), partial_name(wave));
        std::size_t k = 0;
        for (const std::size_t part : parts_in(wave))
          for (const std::string& number : numbers_of(part))
            line(fmt::format("{}[(row * chunks + chunk) * {} + {}] = {};", to, numbers_in(wave), k++, number));
        out_.scratch.push_back({.name = partial_name(wave),
                                .dtype = "f64",
                                .shape = {row_count, chunks, std::to_string(numbers_in(wave))}});
        end_kernel(kernel,
                   fmt::format("{}: partial results of pass {} for each chunk of {}", describe(), wave,
                               r_.axes[static_cast<std::size_t>(cut)].name),
                   {chunks, row_count}, {"chunk", "row"});
        continue;
      }
      if (reduced_stores) {
        chunked_ = bit(cut);
        store_pass(r_.reduced, true);
        chunked_ = 0;
        open("if (chunk == 0) {");
        store_pass(0, false);
        close();
        if (body_.ends_with("  if (chunk == 0) {\n  }\n"))
          body_.erase(body_.size() - std::string("  if (chunk == 0) {\n  }\n").size());
        // Rows fastest: what all rows read (weights) is in a cache when the next row's chunk is written.
        end_kernel(kernel, describe(), {row_count, chunks}, {"row", "chunk"});
      } else {
        store_pass(0, false);
        end_kernel(kernel, describe(), {row_count}, {"row"});
      }
    }
  }
};

}  // namespace

Result<Emitted> emit_cpp(const Region& region, const Schedule& schedule, const std::string& name,
                         const std::string& tune) {
  if (const std::string why = illegal(region, schedule); !why.empty()) return fail(ErrorKind::candidate, why);
  if (region.scanned != 0) return emit_cpp_scan(region, schedule, name, tune);
  if (schedule.sketch == Sketch::columns) return emit_cpp_columns(region, schedule, name, tune);
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
