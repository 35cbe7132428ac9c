#include "synthesize/builtin/emit/triton.h"

#include <fmt/format.h>

#include <algorithm>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/triton_attention.h"
#include "synthesize/builtin/emit/triton_column_split.h"
#include "synthesize/builtin/emit/triton_expressions.h"
#include "synthesize/builtin/emit/triton_product.h"
#include "synthesize/builtin/emit/triton_scan.h"
#include "synthesize/builtin/emit/triton_text.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/triton_tiles.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

std::string factor(const std::string& text) {
  return text.find_first_of("+-/% ") == std::string::npos ? text : "(" + text + ")";
}

class Emitter : private TritonText {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : TritonText(region, schedule, std::move(name), std::move(tune)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    past_ = s_.streaming;
    held_ = s_.hold || s_.sketch == Sketch::flat;
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
        split();
        break;
      case Sketch::product:    // triton_product.cc
      case Sketch::attention:  // triton_attention.cc
        break;
    }
    return std::move(out_);
  }

 private:
  // The program's tile: its index, or all of them in turn where few programs work off the launch. 64 bits wide.
  std::string open_tiles(const std::string& tiles) {
    if (s_.resident == 0) return "tl.program_id(0).to(tl.int64)";
    open(fmt::format(
        "for tile in tl.range(tl.program_id(0), {}, tl.num_programs(0){}):", argument("int64_t", "tiles", tiles),
        held_ && s_.stages > 1 ? fmt::format(", num_stages={}", s_.stages) : std::string()));
    return "tl.cast(tile, tl.int64)";
  }
  // The row of the program's tile, by the axes `outer`, and which of its pieces the tile is. Divisions of 64 bits cost
  // a program of little work too much; a grid has less than 2^31 programs.
  std::string open_rows(const std::string& tile, const std::string& pieces, std::uint64_t outer) {
    const std::string a = argument("int64_t", "pieces", pieces);
    line("program = " + (s_.resident == 0 ? "tl.program_id(0)" : tile));
    line(fmt::format("row = program // {}", a));
    split_index(outer, "row", true);
    return fmt::format("(program % {}).to(tl.int64)", a);
  }
  void close_tiles(const std::string& tiles) {
    if (s_.resident > 0) --depth_;
    end_kernel(name_, describe(), s_.resident == 0 ? tiles : fmt::format("min({}, {})", tiles, s_.resident));
  }

  // --- no reduction -----------------------------------------------------------------------------------------------
  // Tiles of two dimensions: the compiler gives loads and stores each the order in which its neighbours lie, and brings
  // values from one to the other through shared memory.
  void flat_turned(const Turned& lies) {
    begin_kernel();
    const TurnedTile tile = turned_tile(r_, lies, tile_elements(s_));
    std::uint64_t outer = 0, inside = 0;
    for (int a = 0; a <= inner_; ++a) (a < lies.axis ? outer : inside) |= a == lies.axis ? 0 : bit(a);
    loop_ = inside;
    other_ = bit(lies.axis);
    const std::string rows = constant("ROWS", std::to_string(tile.height));
    const std::string block = constant("BLOCK", std::to_string(tile.breadth));
    shape_ = fmt::format("[{}, {}]", rows, block);
    const Extent length = r_.extent_of(inside), across = r_.axes[static_cast<std::size_t>(lies.axis)].extent;
    const std::string strips = fmt::format("cdiv({}, {})", across.text, tile.height);
    const std::string pieces = fmt::format("cdiv({}, {})", length.text, tile.breadth);
    std::string tiles = fmt::format("{} * {}", strips, pieces);
    if (outer) tiles += " * " + factor(r_.extent_of(outer).text);
    const std::string program = open_tiles(tiles);  // see open_rows
    line("program = " + (s_.resident == 0 ? "tl.program_id(0)" : program));
    const std::string strips_arg = argument("int64_t", "strips", strips);
    const std::string pieces_arg = argument("int64_t", "pieces", pieces);
    line(fmt::format("strip = (program % {}).to(tl.int64)", strips_arg));
    line(fmt::format("piece = (program // {} % {}).to(tl.int64)", strips_arg, pieces_arg));
    if (outer) {
      line(fmt::format("row = (program // {} // {}).to(tl.int64)", strips_arg, pieces_arg));
      split_index(outer, "row");
    }
    const std::string j = axis_name(lies.axis);
    line(fmt::format("{0} = (strip * {1} + tl.arange(0, {1}))[:, None]", j, rows));
    named_.insert(j);
    line(fmt::format("valid = {} < {}", j, size(lies.axis)));
    const bool narrow_positions = uneven() && is_small(length);
    line(fmt::format("begin = {}", narrow_positions ? fmt::format("(piece * {}).to(tl.int32)", block)
                                                    : fmt::format("piece * {}", block)));
    open_tile("begin", block, size_of_axes(inside));
    std::set<int> scalars;
    for (const RegionStore& store : r_.stores) collect(store.value, scalars);
    std::erase_if(scalars, [&](int v) { return (at(v).axes & loop_) != 0; });
    declare_all(scalars);
    store_rows();
    close_tiles(tiles);
  }

  void flat() {
    if (const auto lies = turned_by_tiles(r_)) return flat_turned(*lies);
    begin_kernel();
    if (inner_ < 0) {  // a single element
      store_results("");
      end_kernel(name_, "one element", "1");
      return;
    }
    const std::uint64_t outer = all_ & ~bit(inner_);
    loop_ = s_.across ? all_ : bit(inner_);
    const std::string each = fmt::format("{} * {}", tune_, s_.width * s_.unroll);
    const std::string block = constant("BLOCK", each);
    shape_ = "[" + block + "]";
    const bool whole = s_.across || outer == 0;
    const std::string& length = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    const std::string pieces = fmt::format("cdiv({}, {})", whole ? r_.extent_of(all_).text : length, each);
    const std::string tiles = whole ? pieces : fmt::format("{} * {}", pieces, factor(r_.extent_of(outer).text));
    std::string piece = open_tiles(tiles);
    if (!whole) piece = open_rows(piece, pieces, outer);
    // Divisions of 64 bits cost much, and so do conditions.
    const bool narrow_positions = (uneven() || has_windows(r_)) && is_small(r_.extent_of(loop_));
    line(fmt::format("begin = {}", narrow_positions ? fmt::format("({} * {}).to(tl.int32)", piece, block)
                                                    : fmt::format("{} * {}", piece, block)));
    open_tile("begin", block, size_of_axes(loop_));
    std::set<int> scalars;
    for (const RegionStore& store : r_.stores) collect(store.value, scalars);
    std::erase_if(scalars, [&](int v) { return (at(v).axes & loop_) != 0; });
    declare_all(scalars);
    store_tile(whole_tile("begin", block));
    store_results("(begin == 0)");
    close_tiles(tiles);
  }
  // Loads that no condition holds up, but at the ends of rows.
  void store_tile(const std::string& whole) {
    if (whole.empty()) return store_rows();
    const std::set<int> declared = declared_;
    const std::set<std::string> named = named_;
    open("if " + whole + ":");
    whole_ = true;
    store_rows();
    whole_ = false;
    --depth_;
    declared_ = declared;
    named_ = named;
    open("else:");
    store_rows();
    --depth_;
    declared_ = declared;
    named_ = named;
  }
  bool uneven() const {
    const auto is = [&](const Access& access) { return loops_over(access) && !runs_evenly(access); };
    return std::ranges::any_of(
               r_.code, [&](const Instruction& i) { return i.form == Instruction::Form::load && is(i.access); }) ||
           std::ranges::any_of(r_.stores, [&](const RegionStore& store) { return is(store.access); });
  }

  // --- rows and columns -------------------------------------------------------------------------------------------
  void waves_and_stores() {
    loop_ = r_.reduced;
    end_ = size_of_axes(r_.reduced);
    if (held_) open_tile("", step_, end_);
    declare_all(row_values(0));
    for (int wave = 1; wave <= r_.waves; ++wave) {
      for (const std::size_t part : parts_in(wave)) {
        reduce_part(part);
        declare_results(part);
      }
      declare_all(row_values(wave));
    }
    store_rows();
    store_results("");
  }
  std::string positions() {
    if (s_.hold) return constant("LENGTH", fmt::format("next_pow2({})", r_.extent_of(r_.reduced).text));
    const bool shared = s_.sketch == Sketch::columns || (s_.sketch == Sketch::rows && s_.lanes <= 32);
    return constant("BLOCK", shared ? std::to_string(s_.lanes * s_.unroll) : fmt::format("{} * {}", tune_, s_.unroll));
  }

  void rows() {
    begin_kernel();
    const Extent all_rows = r_.extent_of(kept_);
    const bool several = s_.lanes <= 32 && kept_ != 0;
    const std::string each = fmt::format("({} // {})", tune_, s_.lanes);
    const std::string tiles = several ? fmt::format("cdiv({}, {})", all_rows.text, each) : all_rows.text;
    const std::string program = open_tiles(tiles);
    step_ = positions();
    if (several) {
      const std::string count = constant("ROWS", fmt::format("{} // {}", tune_, s_.lanes));
      other_ = kept_;
      shape_ = fmt::format("[{}, {}]", count, step_);
      line(fmt::format("row = ({0} * {1} + tl.arange(0, {1}))[:, None]", program, count));
      line(fmt::format("valid = row < {}", size_of_axes(kept_)));
    } else {
      shape_ = "[" + step_ + "]";
      if (kept_) line("row = " + program);
    }
    if (kept_) split_index(kept_, "row");
    waves_and_stores();
    close_tiles(tiles);
  }

  void columns() {
    begin_kernel();
    const Axis& inner = r_.axes[static_cast<std::size_t>(inner_)];
    const std::uint64_t outer = kept_ & ~bit(inner_);
    const std::string each = fmt::format("{} // {} * {}", tune_, s_.lanes, s_.width);
    const std::string pieces = fmt::format("cdiv({}, {})", inner.extent.text, each);
    const std::string tiles = outer ? fmt::format("{} * {}", pieces, factor(r_.extent_of(outer).text)) : pieces;
    std::string piece = open_tiles(tiles);
    if (outer) piece = open_rows(piece, pieces, outer);
    step_ = positions();
    const std::string count = constant("COLUMNS", each);
    columns_ = true;
    other_ = bit(inner_);
    shape_ = fmt::format("[{}, {}]", step_, count);
    line(fmt::format("{0} = ({1} * {2} + tl.arange(0, {2}))[None, :]", inner.name, piece, count));
    line(fmt::format("valid = {} < {}", inner.name, size(inner_)));
    waves_and_stores();
    close_tiles(tiles);
  }

  // --- rows that are cut up ---------------------------------------------------------------------------------------
  std::string partial_name(int wave) const { return fmt::format("{}_part{}", name_, wave); }

  // A row's results from those of its chunks.
  void join_partials(int wave, const std::string& chunks) {
    if (numbers_in(wave).empty()) return;
    const std::string from = argument("const double*", partial_name(wave) + "_from", partial_name(wave));
    if (named_.insert("block").second) {
      line(fmt::format("block = tl.arange(0, {})", constant("CHUNKS", fmt::format("next_pow2({})", chunks_text_))));
      line(fmt::format("there = block < {}", chunks));
    }
    std::size_t place = 0;
    for (const std::size_t part : parts_in(wave)) {
      std::vector<std::string> tiles;
      for (const Number& n : numbers_of(part)) {
        tiles.push_back(n.name + "_of_chunks");
        line(fmt::format("{} = tl.load({} + (row * {} + block) * {} + {}, mask=there, other={}){}", tiles.back(), from,
                         chunks, numbers_in(wave).size(), place++, n.none, n.wide ? "" : ".to(tl.float32)"));
      }
      join(part, tiles);
      declare_results(part);
    }
  }

  void split() {
    const Extent all_rows = r_.extent_of(kept_), reduced = r_.extent_of(r_.reduced);
    // Enough programs for every SM to have some of them; whole tiles.
    const std::string wanted = fmt::format("max(1, {} // {})", s_.resident, factor(all_rows.text));
    const std::string each = fmt::format("({} * {})", tune_, s_.unroll);
    const std::string length = fmt::format("cdiv(cdiv({}, {}), {}) * {}", reduced.text, wanted, each, each);
    chunks_text_ = fmt::format("cdiv({}, {})", reduced.text, length);
    for (int wave = 1; wave <= r_.waves + 1; ++wave) {
      const bool last = wave > r_.waves;
      if (!last && parts_in(wave).empty()) continue;  // done by the pass before
      begin_kernel();
      loop_ = r_.reduced;
      const bool loops = !last || stores_rows(r_);
      const std::string chunks = argument("int64_t", "chunks", chunks_text_);
      if (loops) {
        step_ = positions();
        shape_ = "[" + step_ + "]";
        const bool narrow_positions = is_small(reduced);
        line("program = tl.program_id(0)");
        line(fmt::format("row = (program // {}).to(tl.int64)", chunks));
        line(fmt::format("chunk = program % {}", chunks));
        line(fmt::format("begin = chunk{} * {}", narrow_positions ? "" : ".to(tl.int64)",
                         argument("int64_t", "length", length)));
        line(fmt::format("end = tl.minimum(begin + {}, {})", "length", size_of_axes(r_.reduced)));
        start_ = "begin";
        end_ = "end";
      } else {
        line("row = tl.program_id(0).to(tl.int64)");
      }
      if (kept_) split_index(kept_, "row");
      declare_all(row_values(0));
      for (int before = 1; before < wave; ++before) {
        join_partials(before, chunks);
        declare_all(row_values(before));
      }
      const std::string rows_and_chunks = fmt::format("{} * {}", factor(all_rows.text), chunks_text_);
      if (last) {
        if (loops) store_rows();
        store_results(loops ? "(chunk == 0)" : "");
        end_kernel(name_, describe(), loops ? rows_and_chunks : all_rows.text);
        continue;
      }
      for (const std::size_t part : parts_in(wave)) reduce_part(part);
      const std::string to = argument("double*", partial_name(wave) + "_to", partial_name(wave));
      const std::vector<Number> numbers = numbers_in(wave);
      for (std::size_t k = 0; k < numbers.size(); ++k)
        line(fmt::format("tl.store({} + (row * {} + chunk) * {} + {}, {})", to, chunks, numbers.size(), k,
                         numbers[k].name));
      out_.scratch.push_back(
          {.name = partial_name(wave), .dtype = "f64", .shape = {rows_and_chunks, std::to_string(numbers.size())}});
      end_kernel(fmt::format("{}_pass{}", name_, wave),
                 fmt::format("{}: what each program has of pass {}", describe(), wave), rows_and_chunks);
    }
  }

  std::string chunks_text_;
};

}  // namespace

Result<Emitted> emit_triton(const Region& region, const Schedule& schedule, const std::string& name,
                            const std::string& tune) {
  if (const std::string why = illegal(region, schedule, Language::triton); !why.empty())
    return fail(ErrorKind::candidate, "this schedule cannot run this region: " + why);
  // Names are free in Python and in what offsets are written with.
  Region renamed = region;
  for (Instruction& i : renamed.code) i.name = triton_name(cpp_name(i.name));
  if (schedule.sketch == Sketch::attention) return emit_triton_attention(renamed, schedule, name, tune);
  if (schedule.sketch == Sketch::product) return emit_triton_product(renamed, schedule, name, tune);
  if (region.scanned != 0) return emit_triton_scan(renamed, schedule, name, tune);
  if (cuts_up_columns(renamed, schedule)) return emit_triton_column_split(renamed, schedule, name, tune);
  return Emitter(renamed, schedule, name, tune).run();
}

}  // namespace kerf
