#include <fmt/format.h>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cuda_expressions.h"
#include "synthesize/builtin/emit/cuda_kernel.h"

namespace kerf {
namespace {

// One of the two ways through a tile: neighbouring threads have neighbours along the axis that is turned, or along what
// is inside of it.
enum class Along : std::uint8_t { turned, inside };

}  // namespace

std::string CudaKernel::product(const std::string& text) {
  return text.find_first_of("+-/%") == std::string::npos ? text : "(" + text + ")";
}

void CudaKernel::open_tiles(const std::string& tiles) {
  if (s_.resident == 0) {
    line("const int64_t tile = blockIdx.x;");
  } else {
    open(fmt::format("for (int64_t tile = blockIdx.x; tile < {}; tile += gridDim.x) {{",
                     argument("int64_t", "tiles", tiles)));
  }
}

void CudaKernel::close_tiles(const std::string& comment, const std::string& tiles) {
  if (s_.resident > 0) close();
  end_kernel(name_, comment, s_.resident == 0 ? tiles : fmt::format("min({}, {})", tiles, s_.resident));
}

void CudaKernel::scalars() {
  std::set<int> values;
  for (const RegionStore& store : r_.stores) collect(store.value, values);
  std::erase_if(values, [&](int v) { return (at(v).axes & loop_) != 0; });
  declare_all(values, false);
}

void CudaKernel::flat() {
  if (const auto lies = turned_by_tiles(r_)) return flat_turned(*lies);
  begin_kernel();
  if (inner_ < 0) {  // a single element
    open("if (blockIdx.x == 0 && threadIdx.x == 0) {");
    store_results("");
    close();
    end_kernel(name_, "one element", "1");
    return;
  }
  const std::uint64_t outer = all_ & ~bit(inner_);
  tail_ = outer == 0 && s_.width > 1;
  require_vectors();
  loop_ = s_.across ? all_ : bit(inner_);
  const std::string each = fmt::format("{} * {}", tune_, s_.width * s_.unroll);
  need("least");
  if (s_.across || outer == 0) {
    const Extent total = r_.extent_of(all_);
    const std::string tiles = fmt::format("cdiv({}, {})", total.text, each);
    index_ = outer != 0 && !is_small(total) ? "int64_t" : "int";
    open_tiles(tiles);
    line(fmt::format("const int64_t begin = tile * ({});", each));
    line(fmt::format("const int count = (int)least({}, {} - begin);", each, size_of_axes(all_)));
    begin_ = "begin";
    scalars();
    store_rows();
    store_results("tile == 0 && threadIdx.x == 0");
    close_tiles(describe(), tiles);
    return;
  }
  const std::string& length = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
  const std::string pieces = fmt::format("cdiv({}, {})", length, each);
  const std::string tiles = fmt::format("{} * {}", pieces, product(r_.extent_of(outer).text));
  const std::string pieces_arg = argument("int64_t", "pieces", pieces);
  open_tiles(tiles);
  line(fmt::format("const int64_t row = tile / {0}, piece = tile % {0};", pieces_arg));
  unflatten(outer, "row");
  line(fmt::format("const int64_t begin = piece * ({});", each));
  line(fmt::format("const int count = (int)least({}, {} - begin);", each, size(inner_)));
  begin_ = "begin";
  scalars();
  store_rows();
  store_results("piece == 0 && threadIdx.x == 0");
  close_tiles(describe(), tiles);
}

void CudaKernel::flat_turned(const Turned& lies) {
  begin_kernel();
  need("least");
  const TurnedTile tile = turned_tile(r_, lies, tile_elements(s_));
  std::uint64_t outer = 0, inside = 0;
  for (int a = 0; a <= inner_; ++a) (a < lies.axis ? outer : inside) |= a == lies.axis ? 0 : bit(a);
  const Extent length = r_.extent_of(inside), across = r_.axes[static_cast<std::size_t>(lies.axis)].extent;
  const std::string strips = fmt::format("cdiv({}, {})", across.text, tile.height);
  const std::string pieces = fmt::format("cdiv({}, {})", length.text, tile.breadth);
  std::string tiles = fmt::format("{} * {}", strips, pieces);
  if (outer) tiles += " * " + product(r_.extent_of(outer).text);
  open_tiles(tiles);
  // Divisions of 64 bits cost a block of so little work too much; a grid has less than 2^32 blocks.
  const bool narrow = s_.resident == 0;
  const auto divisor = [&](const char* name, const std::string& text) {
    return (narrow ? "(unsigned)" : "") + argument("int64_t", name, text);
  };
  const std::string strips_arg = divisor("strips", strips), pieces_arg = divisor("pieces", pieces);
  const std::string index = narrow ? "(unsigned)tile" : "tile";
  line(fmt::format("const int64_t strip = {0} % {1}, piece = {0} / {1} % {2};", index, strips_arg, pieces_arg));
  if (outer) {
    line(fmt::format("const int64_t row = {} / {} / {};", index, strips_arg, pieces_arg));
    unflatten(outer, "row");
  }
  line(fmt::format("const int64_t top = strip * {}, begin = piece * {};", tile.height, tile.breadth));
  line(fmt::format("const int height = (int)least({}, {} - top);", tile.height, size(lies.axis)));
  line(fmt::format("const int count = (int)least({}, {} - begin);", tile.breadth, size_of_axes(inside)));
  line(fmt::format("constexpr int rounds = ({} + {} - 1) / {};", tile.height * tile.breadth, tune_, tune_));
  loop_ = inside | bit(lies.axis);
  scalars();
  const char* place = is_small(length) ? "int" : "int64_t";
  // All of the tile's elements that are there, `rounds` a thread.
  const auto each = [&](Along along, bool indices, const std::function<void()>& inner) {
    const std::set<int> declared = declared_;
    line("#pragma unroll");
    open("for (int v = 0; v < rounds; ++v) {");
    line(along == Along::turned
             ? fmt::format("const int e = v * {0} + (int)threadIdx.x, down = e % {1}, right = e / {1};", tune_,
                           tile.height)
             : fmt::format("const int e = v * {0} + (int)threadIdx.x, down = e / {1}, right = e % {1};", tune_,
                           tile.breadth));
    open("if (down < height && right < count) {");
    if (indices) {
      line(fmt::format("const int64_t {} = top + down;", axis_name(lies.axis)));
      if (inside == bit(inner_)) {
        line(fmt::format("const int64_t {} = begin + right;", axis_name(inner_)));
      } else {
        line(fmt::format("const {0} place = ({0})begin + right;", place));
        std::uint64_t below = inside;
        for (int a = lies.axis + 1; a <= inner_; ++a) {
          below &= ~bit(a);
          line(fmt::format("const int64_t {} = place{}{};", axis_name(a),
                           below ? fmt::format(" / ({})({})", place, size_of_axes(below)) : "",
                           a > lies.axis + 1 ? fmt::format(" % ({}){}", place, size(a)) : ""));
        }
      }
    }
    inner();
    close();
    close();
    declared_ = declared;
  };
  const auto shared = [&](const std::string& name) {
    line(fmt::format("__shared__ float {}[{}][{}];", name, tile.height, tile.breadth + 1));
  };
  const auto store = [&](std::size_t k, const std::string& value) {
    const Access& access = r_.stores[k].access;
    const std::string to = pointer(access, store_name(k), true) + offset(access, store_name(k), 0);
    line(past_ ? fmt::format("__stcs({}, {});", to, value) : fmt::format("*({}) = {};", to, value));
  };
  std::set<int> values;
  for (const RegionStore& each_store : r_.stores) collect(each_store.value, values);
  if (lies.windows) {
    for (std::size_t k = 0; k < r_.stores.size(); ++k) shared(store_name(k) + "_turned");
    each(Along::turned, true, [&] {
      declare_all(values, false);
      for (std::size_t k = 0; k < r_.stores.size(); ++k)
        line(fmt::format("{}_turned[down][right] = {};", store_name(k), operand(r_.stores[k].value, false)));
    });
    line("__syncthreads();");
    each(Along::inside, true, [&] {
      for (std::size_t k = 0; k < r_.stores.size(); ++k) store(k, store_name(k) + "_turned[down][right]");
    });
  } else {
    const auto name = [&](int v) { return cuda_name(at(v).name); };
    for (const int v : lies.loads) {
      shared(name(v) + "_turned");
      line(fmt::format("float {}_mine[rounds];", name(v)));
    }
    // All of a thread's loads are under way before it uses the first.
    each(Along::turned, true, [&] {
      for (const int v : lies.loads) {
        const Access& access = at(v).access;
        const std::string from = pointer(access, at(v).name, false) + offset(access, at(v).name, 0);
        line(past_ && at(v).axes == all_ ? fmt::format("{}_mine[v] = __ldcs({});", name(v), from)
                                         : fmt::format("{}_mine[v] = *({});", name(v), from));
      }
    });
    each(Along::turned, false, [&] {
      for (const int v : lies.loads) line(fmt::format("{0}_turned[down][right] = {0}_mine[v];", name(v)));
    });
    line("__syncthreads();");
    each(Along::inside, true, [&] {
      for (const int v : lies.loads) {
        line(fmt::format("const float {0} = {0}_turned[down][right];", name(v)));
        declared_.insert(v);
      }
      declare_all(values, false);
      for (std::size_t k = 0; k < r_.stores.size(); ++k) store(k, operand(r_.stores[k].value, false));
    });
  }
  if (s_.resident > 0) line("__syncthreads();");
  close_tiles(describe(), tiles);
}

}  // namespace kerf
