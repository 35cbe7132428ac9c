#include "synthesize/builtin/emit/cuda.h"

#include <fmt/format.h>

#include <algorithm>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cuda_kernel.h"
#include "synthesize/builtin/emit/cuda_scan.h"

namespace kerf {
namespace {

class Emitter : private CudaKernel {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : CudaKernel(region, schedule, std::move(name), std::move(tune)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    past_ = s_.streaming;
    switch (s_.sketch) {
      case Sketch::flat:
        flat();
        break;
      case Sketch::rows:
        rows();
        break;
      case Sketch::columns:
        columns();
        break;
      case Sketch::split:
        if (s_.overlap) {
          overlapped();
        } else {
          split();
        }
        break;
      case Sketch::product:
      case Sketch::attention:  // never legal
        break;
    }
    return std::move(out_);
  }

 private:
  std::string reduced_text() const { return r_.extent_of(r_.reduced).text; }

  // --- rows and columns -------------------------------------------------------------------------------------------
  void waves_and_stores(const std::string& condition) {
    declare_row_values(0);
    for (int wave = 1; wave <= r_.waves; ++wave) {
      for (const std::size_t part : parts_in(wave)) {
        reduce_part(part);
        declare_results(part);
      }
      declare_row_values(wave);
    }
    store_rows();
    store_results(condition);
  }
  void length_of_row() {
    line(fmt::format("const int count = (int)({});", size_of_axes(r_.reduced)));
    const Extent extent = r_.extent_of(r_.reduced);
    if (!s_.hold) {
      is_small(extent);
      return;
    }
    const std::int64_t most = *std::ranges::max_element(extent.values);
    const std::string step = stride_of_threads();
    line(fmt::format("constexpr int items = ({} + {} - 1) / ({});  // vectors a thread", most, step, step));
    require(fmt::format("{} <= {}", extent.text, most), [&](std::size_t w) { return extent.values[w] <= most; });
  }

  void rows() {
    begin_kernel();
    loop_ = r_.reduced;
    require_vectors();
    const Extent rows = r_.extent_of(kept_);
    const bool shared = s_.lanes <= 32;
    const std::string tiles = shared ? fmt::format("cdiv({}, {} // {})", rows.text, tune_, s_.lanes) : rows.text;
    open_tiles(tiles);
    if (shared) {
      need("least");
      line(fmt::format("const int lane = threadIdx.x % {};", s_.lanes));
      line(fmt::format("const int64_t wanted = tile * ({0} / {1}) + threadIdx.x / {1};", tune_, s_.lanes));
      // Threads behind the last row do its work once more: a warp is reduced by all of its threads.
      line(fmt::format("const int64_t row = least(wanted, {} - 1);", size_of_axes(kept_)));
    } else {
      line("const int lane = threadIdx.x;");
      line("const int64_t row = tile;");
    }
    if (kept_) unflatten(kept_, "row");
    length_of_row();
    waves_and_stores(shared ? "lane == 0 && row == wanted" : "lane == 0");
    close_tiles(describe(), tiles);
  }

  void columns() {
    begin_kernel();
    loop_ = r_.reduced;
    require_vectors();
    need("least");
    const std::string& extent = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    const std::string& j = r_.axes[static_cast<std::size_t>(inner_)].name;
    const std::uint64_t outer = kept_ & ~bit(inner_);
    const std::string each = fmt::format("{} // {} * {}", tune_, s_.lanes, s_.width);
    const std::string blocks = fmt::format("cdiv({}, {})", extent, each);
    const std::string tiles = outer ? fmt::format("{} * {}", blocks, product(r_.extent_of(outer).text)) : blocks;
    std::string block = "tile";
    open_tiles(tiles);
    if (outer) {
      const std::string a = argument("int64_t", "pieces", blocks);
      line(fmt::format("const int64_t row = tile / {0}, piece = tile % {0};", a));
      unflatten(outer, "row");
      block = "piece";
    }
    line(fmt::format("const int slice = threadIdx.x / ({} / {});", tune_, s_.lanes));
    line(fmt::format("const int64_t wanted = ({0} * ({1} / {2}) + threadIdx.x % ({1} / {2})) * {3};", block, tune_,
                     s_.lanes, s_.width));
    // Threads behind the last column do its work once more: a block is reduced by all of its threads.
    line(fmt::format("const int64_t {} = least(wanted, {} - {});", j, size(inner_), s_.width));
    length_of_row();
    waves_and_stores(fmt::format("slice == 0 && {} == wanted", j));
    close_tiles(describe(), tiles);
  }

  // --- rows that are cut up ---------------------------------------------------------------------------------------
  std::vector<Total> totals_in(int wave) const {
    std::vector<Total> found;
    for (const std::size_t part : parts_in(wave))
      for (Total& t : totals_of(part)) found.push_back(std::move(t));
    return found;
  }
  std::size_t numbers_in(int wave) const {
    std::size_t n = 0;
    for (const Total& t : totals_in(wave)) n += t.numbers.size();
    return n;
  }
  std::string partial_name(int wave) const { return fmt::format("{}_part{}", name_, wave); }

  std::string total_name(int wave) const { return fmt::format("{}_all{}", name_, wave); }

  // The results of a wave that this block knows, to scratch.
  void write_results(int wave, const std::string& scratch, const std::string& where) {
    const std::string to = argument("double*", scratch + "_to", scratch);
    std::size_t k = 0;
    for (const Total& t : totals_in(wave))
      for (const std::string& number : t.numbers)
        line(fmt::format("{}[{} * {} + {}] = {};", to, where, numbers_in(wave), k++, number));
  }
  // The row's results from those of `count` blocks, or from what one has joined already where there is no count;
  // `fresh`: others write them while this kernel runs.
  void read_results(int wave, const std::string& scratch, const std::string& first, const std::string& count,
                    bool fresh) {
    if (numbers_in(wave) == 0) return;
    need("join");
    need("across");
    const std::string from =
        fresh ? argument("double*", scratch + "_to", scratch) : argument("const double*", scratch + "_from", scratch);
    const std::string at = count.empty() ? first : fmt::format("({} + block)", first);
    std::size_t number = 0;
    for (const std::size_t part : parts_in(wave)) {
      if (parts_[part].joint) need(parts_[part].joint->kind == Joint::Kind::moments ? "moments" : "exponentials");
      for (const Total& t : totals_of(part)) {
        std::vector<std::string> read;
        for (std::size_t k = 0; k < t.numbers.size(); ++k) {
          const std::string place = fmt::format("{} + {} * {} + {}", from, at, numbers_in(wave), number++);
          read.push_back(fresh ? fmt::format("__ldcg({})", place) : fmt::format("*({})", place));
        }
        const std::string made = read.size() == 1   ? fmt::format(fmt::runtime(t.made), read[0])
                                 : read.size() == 2 ? fmt::format(fmt::runtime(t.made), read[0], read[1])
                                                    : fmt::format(fmt::runtime(t.made), read[0], read[1], read[2]);
        if (count.empty()) {
          line(fmt::format("const {} {} = {};", t.type, t.name, made));
          continue;
        }
        line(fmt::format("{} {}_all = {};", t.type, t.name, t.none));
        line(fmt::format("for (int64_t block = threadIdx.x; block < {0}; block += {1}) {2}_all = {3}({2}_all, {4});",
                         count, tune_, t.name, t.join, made));
        line(fmt::format("const {0} {1} = across<{2}>({1}_all, {3});", t.type, t.name, tune_, t.join));
      }
      declare_results(part);
    }
  }

  void split() {
    loop_ = r_.reduced;
    require_vectors();
    need("least");
    const Extent rows = r_.extent_of(kept_), reduced = r_.extent_of(r_.reduced);
    if (runs_unevenly() && !is_small(reduced)) index_ = "int64_t";
    // Enough blocks for every SM to have `resident` of them; whole rounds of all threads.
    const std::int64_t round = s_.width * s_.unroll;
    const std::string wanted = fmt::format("max(1, {} // {})", s_.resident, product_divisor(rows.text));
    const std::string length =
        fmt::format("cdiv(cdiv({}, {}), {} * {}) * {} * {}", reduced.text, wanted, tune_, round, tune_, round);
    const std::string chunks = fmt::format("cdiv({}, ({}))", reduced.text, length);
    // Who stores rows is a launch of smaller pieces: it has nothing to hand on.
    const std::string piece_length = fmt::format("min({}, {})", length, chunk_length());
    const std::string pieces = fmt::format("cdiv({}, {})", reduced.text, piece_length);
    for (int wave = 1; wave <= r_.waves + 1; ++wave) {
      const bool last = wave > r_.waves;
      if (!last && parts_in(wave).empty()) continue;  // done by the pass before
      begin_kernel();
      const bool loops = !last || stores_rows(r_);
      const std::string chunks_arg = argument("int64_t", "chunks", chunks);
      const std::string pieces_arg = last && loops ? argument("int64_t", "pieces", pieces) : chunks_arg;
      // Rows fastest where all of them read the same (weights): it is in L2 when the next row's chunk is written.
      const bool rows_fastest = last && loops && kept_ != 0 && shares_rows();
      const std::string row_count = rows_fastest ? size_of_axes(kept_) : "";
      line(fmt::format("const int64_t row = blockIdx.x{};", rows_fastest ? " % (unsigned)(" + row_count + ")"
                                                            : loops      ? " / (unsigned)" + pieces_arg
                                                                         : ""));
      line("[[maybe_unused]] const int lane = threadIdx.x;");
      if (loops) {
        const std::string step = argument("int64_t", "length", last ? piece_length : length);
        line(rows_fastest ? fmt::format("const int64_t chunk = blockIdx.x / (unsigned)({});", row_count)
                          : fmt::format("const int64_t chunk = blockIdx.x % (unsigned){};", pieces_arg));
        line(fmt::format("const int64_t begin = chunk * {};", step));
        line(fmt::format("const int count = (int)least({}, {} - begin);", step, size_of_axes(r_.reduced)));
        begin_ = "begin";
      }
      if (kept_) unflatten(kept_, "row");
      declare_row_values(0);
      for (int before = 1; before < wave; ++before) {
        read_results(before, partial_name(before), fmt::format("row * {}", chunks_arg), chunks_arg, false);
        declare_row_values(before);
      }
      if (!last) {
        for (const std::size_t part : parts_in(wave)) reduce_part(part);
        open("if (lane == 0) {");
        write_results(wave, partial_name(wave), "blockIdx.x");
        close();
        out_.scratch.push_back(
            {.name = partial_name(wave),
             .dtype = "f64",
             .shape = {fmt::format("{} * {}", product(rows.text), chunks), std::to_string(numbers_in(wave))}});
        end_kernel(fmt::format("{}_pass{}", name_, wave),
                   fmt::format("{}: what each block has of pass {}", describe(), wave),
                   fmt::format("{} * {}", product(rows.text), chunks));
        continue;
      }
      if (loops) store_rows();
      store_results(loops ? "chunk == 0 && lane == 0" : "lane == 0");
      end_kernel(name_, describe(), loops ? fmt::format("{} * {}", product(rows.text), pieces) : rows.text);
    }
  }
  // `chunk` elements, in whole rounds of all threads.
  std::string chunk_length() const {
    const std::int64_t round = s_.width * s_.unroll;
    return fmt::format("cdiv({}, {} * {}) * {} * {}", s_.chunk, tune_, round, tune_, round);
  }
  static std::string product_divisor(const std::string& text) {
    return text.find_first_of("+-/%* ") == std::string::npos ? text : "(" + text + ")";
  }
  // Whether something as long as a row is read by every row.
  bool shares_rows() const {
    return std::ranges::any_of(
        r_.code, [&](const Instruction& i) { return i.form == Instruction::Form::load && i.axes == r_.reduced; });
  }
  bool runs_unevenly() const {
    for (const Instruction& i : r_.code)
      if (i.form == Instruction::Form::load && loops_over(i.access) && !runs_evenly(i.access)) return true;
    return std::ranges::any_of(r_.stores,
                               [&](const RegionStore& s) { return loops_over(s.access) && !runs_evenly(s.access); });
  }

  // One launch. Blocks draw tickets in order: of each step a chunk of the first pass over row `step`, then the same
  // chunk of the second pass over row `step - 1`, and so on. Whoever waits, waits for blocks that drew before it and
  // that do their own earlier passes first, so that somebody can always go on. What a pass reads again lies in L2.
  void overlapped() {
    loop_ = r_.reduced;
    require_vectors();
    need("least");
    const Extent rows = r_.extent_of(kept_), reduced = r_.extent_of(r_.reduced);
    if (runs_unevenly() && !is_small(reduced)) index_ = "int64_t";
    const std::string length = chunk_length();
    const std::string chunks = fmt::format("cdiv({}, {})", reduced.text, length);
    std::vector<int> waves;
    for (int wave = 1; wave <= r_.waves; ++wave)
      if (!parts_in(wave).empty()) waves.push_back(wave);
    begin_kernel();
    const std::string row_count = size_of_axes(kept_);
    const std::string ticket = name_ + "_ticket", done = name_ + "_done";
    const std::string tickets_arg = argument("int64_t*", "tickets", ticket);
    const std::string done_arg = argument("int32_t*", "done", done);
    const std::string chunks_arg = argument("int64_t", "chunks", chunks);
    out_.scratch.push_back({.name = ticket, .dtype = "i64", .shape = {"1"}, .zero = true});
    out_.scratch.push_back(
        {.name = done, .dtype = "i32", .shape = {rows.text, std::to_string(waves.size())}, .zero = true});
    for (const int wave : waves) {
      const std::string numbers = std::to_string(numbers_in(wave));
      out_.scratch.push_back({.name = partial_name(wave),
                              .dtype = "f64",
                              .shape = {fmt::format("{} * ({})", product(rows.text), chunks), numbers}});
      out_.scratch.push_back({.name = total_name(wave), .dtype = "f64", .shape = {rows.text, numbers}});
    }
    line("__shared__ int64_t ticket;");
    line("__shared__ bool last;");
    line("const int lane = threadIdx.x;");
    line(fmt::format("if (lane == 0) ticket = (int64_t)atomicAdd((unsigned long long*){}, 1ull);", tickets_arg));
    line("__syncthreads();");
    line(fmt::format("const int64_t step = ticket / {0}, chunk = ticket % {0};", chunks_arg));
    const std::string step = argument("int64_t", "length", length);
    line(fmt::format("const int64_t begin = chunk * {};", step));
    line(fmt::format("const int count = (int)least({}, {} - begin);", step, size_of_axes(r_.reduced)));
    begin_ = "begin";
    for (std::size_t pass = 0; pass <= waves.size(); ++pass) {
      const auto declared = declared_;
      const auto bases = bases_;
      const auto wide = wide_;
      open(pass == 0 ? fmt::format("if (step < {}) {{", row_count)
                     : fmt::format("if (step >= {0} && step - {0} < {1}) {{", pass, row_count));
      line(pass == 0 ? "const int64_t row = step;" : fmt::format("const int64_t row = step - {};", pass));
      const auto others = [&](std::size_t p) { return fmt::format("{}[row * {} + {}]", done_arg, waves.size(), p); };
      if (pass > 0) {
        line("if (lane == 0)");
        line(fmt::format("  while (*(volatile int32_t*)&{} <= {}) __nanosleep(64);", others(pass - 1), chunks_arg));
        line("__syncthreads();");
        line("__threadfence();");
      }
      if (kept_) unflatten(kept_, "row");
      declare_row_values(0);
      for (std::size_t before = 0; before < pass; ++before) {
        read_results(waves[before], total_name(waves[before]), "row", "", true);
        declare_row_values(waves[before]);
      }
      if (pass < waves.size())
        overlapped_reduction(waves[pass], others(pass), chunks_arg);
      else {
        store_rows();
        store_results("chunk == 0 && lane == 0");
      }
      close();
      declared_ = declared;
      bases_ = bases;
      wide_ = wide;
    }
    end_kernel(name_, describe(), fmt::format("({} + {}) * ({})", rows.text, waves.size(), chunks));
  }

  // The block that is the last to be done with its chunk of a row joins what all have, and says so.
  void overlapped_reduction(int wave, const std::string& done, const std::string& chunks) {
    const bool past = std::exchange(past_, false);  // the next pass reads it again
    for (const std::size_t part : parts_in(wave)) reduce_part(part);
    past_ = past;
    open("if (lane == 0) {");
    write_results(wave, partial_name(wave), fmt::format("(row * {} + chunk)", chunks));
    line("__threadfence();");
    line(fmt::format("last = atomicAdd(&{}, 1) == {} - 1;", done, chunks));
    close();
    line("__syncthreads();");
    const auto declared = declared_;
    open("if (last) {");
    line("__threadfence();");
    read_results(wave, partial_name(wave), fmt::format("row * {}", chunks), chunks, true);
    open("if (lane == 0) {");
    write_results(wave, total_name(wave), "row");
    line("__threadfence();");
    line(fmt::format("atomicAdd(&{}, 1);", done));
    close();
    close();
    declared_ = declared;
  }
};

}  // namespace

Result<Emitted> emit_cuda(const Region& region, const Schedule& schedule, const std::string& name,
                          const std::string& tune) {
  if (const std::string why = illegal(region, schedule, Language::cuda); !why.empty())
    return fail(ErrorKind::candidate, why);
  if (region.scanned != 0) return emit_cuda_scan(region, schedule, name, tune);
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
