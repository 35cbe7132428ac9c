#include "synthesize/builtin/emit/triton_column_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/triton_text.h"
#include "synthesize/builtin/gpu_schedule.h"

namespace kerf {
namespace {

// A wave is two launches: programs leave what they have of a chunk of rows for some columns, then few programs join the
// chunks of a column. All that follow read what was joined, so that what they read does not grow with the chunks.
class Emitter : private TritonText {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : TritonText(region, schedule, std::move(name), std::move(tune)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    past_ = s_.streaming;
    columns_ = true;
    other_ = bit(inner_);
    outer_ = kept_ & ~bit(inner_);
    // Enough programs for every SM to have some of them, in whole tiles. Deep networks have many such kernels: numbers
    // that only make them fast are those of the primary sizes, so that plans stay short.
    const auto primary = [&](std::uint64_t axes) { return r_.extent_of(axes).values.at(0); };
    const auto up = [](std::int64_t n, std::int64_t by) { return (n + by - 1) / by; };
    const std::int64_t each = s_.lanes * s_.unroll, columns = s_.block.front() / s_.lanes * s_.width;
    const std::int64_t wanted =
        std::max<std::int64_t>(1, s_.resident / (up(primary(bit(inner_)), columns) * primary(outer_)));
    const std::int64_t length = up(up(primary(r_.reduced), wanted), each) * each;
    const auto lanes =
        static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(up(primary(r_.reduced), length))));
    breadth_ = s_.block.size() == 1 ? std::to_string(columns) : fmt::format("{} // {} * {}", tune_, s_.lanes, s_.width);
    joined_ = std::to_string(std::clamp<std::int64_t>(16 * s_.block.front() / lanes, 2, 16));
    length_ = std::to_string(length);
    rows_ = outer_ ? text_of(outer_) : "1";
    for (int wave = 1; wave <= r_.waves; ++wave) {
      if (parts_in(wave).empty()) continue;  // done by the pass before
      chunk_pass(wave);
      join_pass(wave);
    }
    if (stores_rows(r_)) {
      begin_chunk(r_.waves + 1);
      store_rows();
      store_results("(chunk == 0)");
      end_kernel(name_, describe(), programs());
    } else {
      begin_columns(breadth_);
      read_joined(r_.waves + 1);
      store_results("");
      end_kernel(name_, describe(), programs_of_columns(breadth_));
    }
    return std::move(out_);
  }

 private:
  std::string text_of(std::uint64_t axes) const {
    const std::string text = r_.extent_of(axes).text;
    return text.find_first_of("+-/*% ") == std::string::npos ? text : "(" + text + ")";
  }
  const std::string& extent() const { return r_.axes[static_cast<std::size_t>(inner_)].extent.text; }
  // Chunks of all rows are as many as there is scratch for.
  std::string programs() const {
    int wave = 1;
    while (parts_in(wave).empty()) ++wave;
    return fmt::format("{}.shape[0] * cdiv({}, {})", partial_name(wave), extent(), breadth_);
  }
  std::string programs_of_columns(const std::string& breadth) const {
    return fmt::format("{}cdiv({}, {})", outer_ ? rows_ + " * " : "", extent(), breadth);
  }
  std::string chunks_text() const { return fmt::format("cdiv({}, {})", text_of(r_.reduced), length_); }
  std::string partial_name(int wave) const { return fmt::format("{}_part{}", name_, wave); }
  std::string joined_name(int wave) const { return fmt::format("{}_joined{}", name_, wave); }

  void columns_of(const std::string& piece, const std::string& breadth) {
    const std::string inner = axis_name(inner_), count = constant("COLUMNS", breadth);
    line(fmt::format("{0} = ({1} * {2} + tl.arange(0, {2}))[None, :]", inner, piece, count));
    line(fmt::format("valid = {} < {}", inner, size(inner_)));
    named_.insert(inner);
    if (outer_) split_index(outer_, "row");
  }
  // A program for some columns of a row.
  void begin_columns(const std::string& breadth) {
    begin_kernel();
    line(fmt::format("pieces = tl.cdiv({}, {})", size(inner_), constant("COLUMNS", breadth)));
    line("program = tl.program_id(0)");
    if (outer_) line("row = (program // pieces).to(tl.int64)");
    columns_of("(program % pieces).to(tl.int64)", breadth);
  }
  // A program for some columns of a chunk of rows; programs that are neighbours have columns that are.
  void begin_chunk(int wave) {
    begin_kernel();
    loop_ = r_.reduced;
    step_ = constant("BLOCK", std::to_string(s_.lanes * s_.unroll));
    shape_ = fmt::format("[{}, {}]", step_, constant("COLUMNS", breadth_));
    const std::string length = argument("int64_t", "length", length_);
    line(fmt::format("pieces = tl.cdiv({}, COLUMNS)", size(inner_)));
    line(fmt::format("chunks = tl.cdiv({}, {})", size_of_axes(r_.reduced), length));
    line("program = tl.program_id(0)");
    line("chunk = program // pieces % chunks");
    if (outer_) line("row = (program // pieces // chunks).to(tl.int64)");
    line(fmt::format("begin = chunk{} * {}", is_small(r_.extent_of(r_.reduced)) ? "" : ".to(tl.int64)", length));
    line(fmt::format("end = tl.minimum(begin + {}, {})", length, size_of_axes(r_.reduced)));
    start_ = "begin";
    end_ = "end";
    columns_of("(program % pieces).to(tl.int64)", breadth_);
    read_joined(wave);
  }
  // Results of all waves before this one.
  void read_joined(int wave) {
    declare_all(row_values(0));
    for (int before = 1; before < wave; ++before) {
      std::size_t place = 0;
      for (const std::size_t part : parts_in(before)) {
        for (const Number& n : numbers_of(part))
          line(fmt::format("{} = tl.load({} + {}, mask=valid, other=0.0){}", n.name,
                           argument("const double*", joined_name(before) + "_from", joined_name(before)),
                           place_of(outer_ ? "row" : "", before, place++), n.wide ? "" : ".to(tl.float32)"));
        declare_results(part);
      }
      declare_all(row_values(before));
    }
  }
  // Of one of a wave's numbers, for the columns at hand: numbers of a row or chunk one after another.
  std::string place_of(const std::string& row, int wave, std::size_t number) {
    const std::string inner = axis_name(inner_);
    const std::size_t all = numbers_in(wave).size();
    const std::string at = row.empty() ? std::to_string(number) : fmt::format("({} * {} + {})", row, all, number);
    return fmt::format("{} * {} + {}", at, size(inner_), inner);
  }

  void chunk_pass(int wave) {
    begin_chunk(wave);
    for (const std::size_t part : parts_in(wave)) reduce_part(part);
    const std::string to = argument("double*", partial_name(wave) + "_to", partial_name(wave));
    const std::string chunk = outer_ ? "(row * chunks + chunk)" : "chunk.to(tl.int64)";
    const std::vector<Number> numbers = numbers_in(wave);
    for (std::size_t k = 0; k < numbers.size(); ++k)
      line(fmt::format("tl.store({} + {}, {}, mask=valid)", to, place_of(chunk, wave, k), numbers[k].name));
    add_scratch(partial_name(wave), (outer_ ? rows_ + " * " : "") + chunks_text(), wave);
    end_kernel(fmt::format("{}_pass{}", name_, wave),
               fmt::format("{}: what each program has of pass {}", describe(), wave), programs());
  }

  void join_pass(int wave) {
    // A program holds 16 doubles of each kind a thread.
    begin_columns(joined_);
    const std::string length = argument("int64_t", "length", length_);
    const std::string rows = partial_name(wave) + ".shape[0]";
    const std::string lanes = fmt::format("next_pow2({})", outer_ ? chunks_text() : rows);
    line(fmt::format("chunks = tl.cdiv({}, {})", size_of_axes(r_.reduced), length));
    const std::string from = argument("const double*", partial_name(wave) + "_from", partial_name(wave));
    const std::string to = argument("double*", joined_name(wave) + "_to", joined_name(wave));
    line(fmt::format("block = tl.arange(0, {})[:, None]", constant("CHUNKS", lanes)));
    line("there = (block < chunks) & valid");
    const std::string row = outer_ ? "(row * chunks + block)" : "block.to(tl.int64)";
    std::size_t place = 0;
    for (const std::size_t part : parts_in(wave)) {
      const std::size_t first = place;
      std::vector<std::string> tiles;
      for (const Number& n : numbers_of(part)) {
        tiles.push_back(n.name + "_of_chunks");
        line(fmt::format("{} = tl.load({} + {}, mask=there, other={}){}", tiles.back(), from,
                         place_of(row, wave, place++), n.none, n.wide ? "" : ".to(tl.float32)"));
      }
      join(part, tiles);
      const std::vector<Number> numbers = numbers_of(part);
      for (std::size_t k = 0; k < numbers.size(); ++k)
        line(fmt::format("tl.store({} + {}, {}, mask=valid)", to, place_of(outer_ ? "row" : "", wave, first + k),
                         numbers[k].name));
    }
    add_scratch(joined_name(wave), rows_, wave);
    end_kernel(fmt::format("{}_join{}", name_, wave), fmt::format("{}: what pass {} comes to", describe(), wave),
               programs_of_columns(joined_));
  }
  void add_scratch(const std::string& name, const std::string& rows, int wave) {
    out_.scratch.push_back(
        {.name = name, .dtype = "f64", .shape = {rows, std::to_string(numbers_in(wave).size()), extent()}});
  }

  std::uint64_t outer_ = 0;  // kept axes but the innermost: rows
  std::string breadth_, joined_, rows_, length_;
};

}  // namespace

Emitted emit_triton_column_split(const Region& region, const Schedule& schedule, const std::string& name,
                                 const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
