#include "synthesize/builtin/emit/cuda_scan.h"

#include <fmt/format.h>

#include <bit>
#include <functional>
#include <set>
#include <utility>

#include "synthesize/builtin/emit/cuda_expressions.h"
#include "synthesize/builtin/emit/cuda_kernel.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

// A warp, or a part of one, has a row; in columns a thread has its own. Vectors of a round are loaded together and
// worked off one after the other.
class Emitter : private CudaKernel {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : CudaKernel(region, schedule, std::move(name), std::move(tune)), axis_(std::countr_zero(region.scanned)) {
    lanes_ = s_.sketch == Sketch::split ? "32" : s_.lanes > 32 ? tune_ : std::to_string(s_.lanes);
    scans_ = r_.scans();
    backward_ = at(scans_[0]).backward;
    past_ = s_.streaming;
  }

  Emitted run() {
    out_.tune = {tune_, s_.block};
    if (s_.sketch == Sketch::rows) rows();
    if (s_.sketch == Sketch::columns) columns();
    if (s_.sketch == Sketch::split) split();
    return std::move(out_);
  }

 private:
  static const char* join_of(ReduceOp op) {
    return op == ReduceOp::sum ? "Plus" : op == ReduceOp::prod ? "Times" : op == ReduceOp::max ? "Greater" : "Smaller";
  }
  static const char* none_of(ReduceOp op) {
    return op == ReduceOp::sum    ? "0.0"
           : op == ReduceOp::prod ? "1.0"
           : op == ReduceOp::max  ? "-infinity()"
                                  : "infinity()";
  }
  std::string scan_name(int v) const { return cuda_name(at(v).name); }
  std::string so_far(int v) const { return at(v).name + "_so_far"; }

  void begin() {
    begin_kernel();
    loop_ = r_.scanned;
    require_vectors();
    need("least");
    need("join");
    is_small(r_.extent_of(r_.scanned));
  }
  [[nodiscard]] std::set<int> needed(const std::set<int>& wanted) const {
    std::set<int> all;
    for (const int v : wanted) collect(v, all);
    return all;
  }
  [[nodiscard]] bool in_loop(int v) const { return along_inner(v) || (at(v).axes & loop_) != 0; }
  // What a vector needs beside what is loaded for it.
  [[nodiscard]] bool is_vector_load(int v) const {
    return at(v).form == Form::load && along_inner(v) && !is_by_element(v);
  }
  [[nodiscard]] bool wants_index(const std::set<int>& values) const {
    for (const int v : values) {
      if (at(v).form == Form::index && (at(v).axes & loop_) != 0) return true;
      if (at(v).form == Form::load && ((at(v).access.guards() & loop_) != 0 || (in_loop(v) && !along_inner(v))))
        return true;
    }
    return false;
  }

  // for (vectors of a round that are there): at
  void open_vectors() {
    line("#pragma unroll");
    open(fmt::format("for (int v = 0; v < {}; ++v) {{", s_.unroll));
    const std::string mine = fmt::format("(v * {} + lane)", lanes_);
    const std::string position = "first + " + (columns_ ? "v" : s_.width == 1 ? mine : mine + " * " + width());
    const std::string last = columns_ ? "1" : width();
    line(backward_ ? fmt::format("const int at = count - {} - ({});", last, position)
                   : fmt::format("const int at = {};", position));
    open(backward_ ? "if (at >= 0) {" : "if (at < count) {");
    if (indexed_)
      line(fmt::format("const int {} = {};", axis_name(axis_), begin_.empty() ? "at" : "(int)(" + begin_ + " + at)"));
  }
  void close_vectors() {
    close();
    close();
  }
  void each_element(const std::function<void()>& body) {
    line("#pragma unroll");
    open(fmt::format("for (int e = 0; e < {}; ++e) {{", width()));
    body();
    close();
  }

  // Passes over `count` elements from where the pointers are; `each` is written for every round, when its loads are
  // under way.
  void loop(const std::set<int>& values, const std::function<void()>& each) {
    std::set<int> loads;
    for (const int v : values) {
      if (is_vector_load(v)) loads.insert(v);
      if (at(v).form == Form::load && along_inner(v)) base_of(at(v).access, at(v).name, false);
    }
    indexed_ = wants_index(values);
    const auto declared = declared_;
    const std::string vectors = std::to_string(s_.unroll);
    open(fmt::format("for (int first = 0; first < count; first += {}) {{",
                     columns_ ? vectors : fmt::format("{} * {}", lanes_, s_.unroll * s_.width)));
    for (const int v : loads)
      line(fmt::format("{} {}[{}][{}];", element(at(v).access), cuda_name(at(v).name), vectors, width()));
    if (!loads.empty()) {
      open_vectors();
      for (const int v : loads) load(v, true);
      close_vectors();
    }
    for (const int v : loads) {
      loaded_.insert(v);
      declared_.insert(v);
    }
    each();
    close();
    declared_ = declared;
    loaded_.clear();
  }
  // What a vector's elements are computed from, operands first: of the vector, then of the element at hand.
  void declare_vector(const std::set<int>& wanted, const std::function<void()>& element) {
    std::set<int> of_vector, of_element;
    for (const int v : needed(wanted))
      if (at(v).form != Form::scan) (along_inner(v) ? of_element : of_vector).insert(v);
    const auto declared = declared_;
    declare_all(of_vector, false);
    each_element([&] {
      declare_all(of_element, true);
      element();
    });
    declared_ = declared;
  }

  // The terms of a scan, where there are any, and none elsewhere.
  void terms_of(int v, const std::string& name) {
    line(fmt::format("float {}[{}][{}];", name, s_.unroll, width()));
    line("#pragma unroll");
    line(fmt::format("for (int v = 0; v < {}; ++v)", s_.unroll));
    line("#pragma unroll");
    line(fmt::format("  for (int e = 0; e < {}; ++e) {}[v][e] = {};", width(), name, none_of(at(v).reduce)));
    open_vectors();
    declare_vector({at(v).operands[0]},
                   [&] { line(fmt::format("{}[v][e] = {};", name, operand(at(v).operands[0], true))); });
    close_vectors();
  }

  // Scans `count` elements and stores what follows.
  void scan_and_store() {
    std::set<int> wanted;
    std::vector<std::string> bases;
    for (const RegionStore& store : r_.stores) wanted.insert(store.value);
    const std::set<int> values = needed(wanted);
    for (std::size_t k = 0; k < r_.stores.size(); ++k)
      bases.push_back(base_of(r_.stores[k].access, store_name(k), true));
    need(columns_ ? "steps" : "scan");
    loop(values, [&] {
      for (const int v : scans_) {
        terms_of(v, scan_name(v));
        line(columns_ ? fmt::format("steps({}, {}, {}());", scan_name(v), so_far(v), join_of(at(v).reduce))
                      : fmt::format("scan<{}, {}>({}, {}, {}());", lanes_, backward_, scan_name(v), so_far(v),
                                    join_of(at(v).reduce)));
        loaded_.insert(v);
        declared_.insert(v);
      }
      open_vectors();
      for (std::size_t k = 0; k < r_.stores.size(); ++k)
        line(fmt::format("{} {}[{}];", element(r_.stores[k].access), store_name(k), width()));
      declare_vector(wanted, [&] {
        for (std::size_t k = 0; k < r_.stores.size(); ++k)
          line(fmt::format("{}[e] = {};", store_name(k), operand(r_.stores[k].value, true)));
      });
      for (std::size_t k = 0; k < r_.stores.size(); ++k) {
        const Access& access = r_.stores[k].access;
        const std::string to = bases[k] + step_of(access, store_name(k));
        const std::string step = stride(access, access.along(inner_)->stride, inner_, store_name(k));
        const bool side_by_side = step == "1" && access.type == Type::f32;
        need("put");
        if (side_by_side && past_) need("put_past");
        line(side_by_side ? fmt::format("{}({}, {});", past_ ? "put_past" : "put", to, store_name(k))
                          : fmt::format("scatter({}, {}, {});", to, store_name(k), step));
      }
      close_vectors();
    });
  }

  // What changes neither along a row nor along its columns.
  void scalars() {
    std::set<int> wanted;
    for (const RegionStore& store : r_.stores) wanted.insert(store.value);
    std::set<int> values = needed(wanted);
    std::erase_if(values, [&](int v) { return in_loop(v); });
    declare_all(values, false);
  }

  void rows() {
    begin();
    const std::uint64_t outer = all_ & ~bit(inner_);
    const Extent lines = r_.extent_of(outer);
    const bool shared = s_.lanes <= 32;
    if (shared) {
      line(fmt::format("const int lane = threadIdx.x % {};", s_.lanes));
      line(fmt::format("const int64_t wanted = (int64_t)blockIdx.x * ({0} / {1}) + threadIdx.x / {1};", tune_,
                       s_.lanes));
      // Threads behind the last row do its work once more: a warp scans with all of its threads.
      line(fmt::format("const int64_t row = least(wanted, {} - 1);", size_of_axes(outer)));
    } else {
      line("const int lane = threadIdx.x;");
      if (outer) line("const int64_t row = blockIdx.x;");
    }
    if (outer) unflatten(outer, "row");
    line(fmt::format("const int count = (int){};", size(inner_)));
    scalars();
    for (const int v : scans_) line(fmt::format("double {} = {};", so_far(v), none_of(at(v).reduce)));
    scan_and_store();
    end_kernel(name_, describe(), shared ? fmt::format("cdiv({}, {} // {})", lines.text, tune_, s_.lanes) : lines.text);
  }

  void columns() {
    begin();
    const std::uint64_t outer = all_ & ~bit(inner_) & ~r_.scanned;
    const std::string& extent = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    const std::string& j = axis_name(inner_);
    const std::string blocks = fmt::format("cdiv({}, {} * {})", extent, tune_, s_.width);
    std::string block = "(int64_t)blockIdx.x";
    if (outer) {
      const std::string pieces = argument("int64_t", "pieces", blocks);
      line(fmt::format("const int64_t row = blockIdx.x / {0}, piece = blockIdx.x % {0};", pieces));
      unflatten(outer, "row");
      block = "piece";
    }
    // Threads behind the last column do its work once more.
    line(fmt::format("const int64_t {} = least(({} * {} + threadIdx.x) * {}, {} - {});", j, block, tune_, s_.width,
                     size(inner_), s_.width));
    line(fmt::format("const int count = (int){};", size(axis_)));
    scalars();
    for (const int v : scans_) {
      line(fmt::format("double {}[{}];", so_far(v), width()));
      each_element([&] { line(fmt::format("{}[e] = {};", so_far(v), none_of(at(v).reduce))); });
    }
    scan_and_store();
    end_kernel(name_, describe(), outer ? fmt::format("{} * ({})", blocks, r_.extent_of(outer).text) : blocks);
  }

  void split() {
    const std::uint64_t outer = all_ & ~bit(inner_);
    const Extent lines = r_.extent_of(outer);
    const std::string row_count = outer ? "(" + lines.text + ")" : "1";
    const std::string wanted = fmt::format("max(1, {} // {})", s_.resident, row_count);
    const std::int64_t round = 32 * s_.width * s_.unroll;
    const std::string length = fmt::format("(cdiv(cdiv({}, {}), {}) * {})",
                                           r_.axes[static_cast<std::size_t>(inner_)].extent.text, wanted, round, round);
    const std::string chunks =
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, length);
    const std::string grid = fmt::format("cdiv({} * {}, {} // 32)", row_count, chunks, tune_);
    const std::string partial = name_ + "_part", numbers = std::to_string(scans_.size());
    for (const bool last : {false, true}) {
      begin();
      const std::string chunks_arg = argument("int64_t", "chunks", chunks),
                        step = argument("int64_t", "length", length);
      line("const int lane = threadIdx.x % 32;");
      line(fmt::format("const int64_t piece = least((int64_t)blockIdx.x * ({} / 32) + threadIdx.x / 32, {} * {} - 1);",
                       tune_, size_of_axes(outer), chunks_arg));
      line(fmt::format("const int64_t row = piece / {0}, chunk = piece % {0};", chunks_arg));
      if (outer) unflatten(outer, "row");
      line(fmt::format("const int64_t begin = chunk * {};", step));
      line(fmt::format("const int count = (int)least({}, {} - begin);", step, size(inner_)));
      begin_ = "begin";
      past_ = s_.streaming && last;  // the first pass leaves what the second one reads
      scalars();
      const std::string part =
          argument(last ? "const double*" : "double*", partial + (last ? "_from" : "_to"), partial);
      for (const int v : scans_) line(fmt::format("double {} = {};", so_far(v), none_of(at(v).reduce)));
      if (last) {
        // From what the pieces before this one come to.
        open(fmt::format("for (int64_t c = {}lane; c < {}; c += 32) {{", backward_ ? "chunk + 1 + " : "",
                         backward_ ? chunks_arg : "chunk"));
        for (std::size_t k = 0; k < scans_.size(); ++k)
          line(fmt::format("{0} = {1}()({0}, {2}[(row * {3} + c) * {4} + {5}]);", so_far(scans_[k]),
                           join_of(at(scans_[k]).reduce), part, chunks_arg, numbers, k));
        close();
        all_threads();
        scan_and_store();
        end_kernel(name_, describe(), grid);
        continue;
      }
      std::set<int> operands;
      for (const int v : scans_) operands.insert(at(v).operands[0]);
      const std::set<int> values = needed(operands);
      loop(values, [&] {
        open_vectors();
        declare_vector(operands, [&] {
          for (const int v : scans_)
            line(fmt::format("{0} = {1}()({0}, (double){2});", so_far(v), join_of(at(v).reduce),
                             operand(at(v).operands[0], true)));
        });
        close_vectors();
      });
      all_threads();
      open("if (lane == 0) {");
      for (std::size_t k = 0; k < scans_.size(); ++k)
        line(fmt::format("{}[piece * {} + {}] = {};", part, numbers, k, so_far(scans_[k])));
      close();
      out_.scratch.push_back(
          {.name = partial, .dtype = "f64", .shape = {fmt::format("{} * {}", row_count, chunks), numbers}});
      end_kernel(name_ + "_pieces", fmt::format("{}: what each piece of a row comes to", describe()), grid);
    }
  }
  void all_threads() {
    need("across");
    for (const int v : scans_) line(fmt::format("{0} = across<32>({0}, {1}());", so_far(v), join_of(at(v).reduce)));
  }

  int axis_ = 0;
  bool backward_ = false;
  bool indexed_ = false;  // the loop at hand needs the position along the scanned axis
  std::vector<int> scans_;
};

}  // namespace

Emitted emit_cuda_scan(const Region& region, const Schedule& schedule, const std::string& name,
                       const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
