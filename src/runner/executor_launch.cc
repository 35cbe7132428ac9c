// How the executor launches kernels: called over their grids, emulated a block a time, or by an interpreter.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runner/blame.h"
#include "runner/emulation/grid_emulator.h"
#include "runner/executor.h"

namespace kerf {

namespace {

struct Launching {
  const ReadyLaunch* launch;
  bool descending = false;
  std::mutex mutex = {};
  std::atomic<bool> ended = false;
  std::optional<Result<BlockTrouble>> trouble = std::nullopt;  // of the first block that has any
};

// One emulator a thread, made when it first meets a block.
void run_blocks(Launching& context, void* const* args, std::int64_t begin, std::int64_t end) {
  thread_local std::unique_ptr<BlockEmulator> emulator;
  const auto stop = [&context](Result<BlockTrouble> trouble) {
    const std::scoped_lock lock(context.mutex);
    if (!context.trouble) context.trouble = std::move(trouble);
    context.ended = true;
  };
  if (!emulator) {
    auto made = BlockEmulator::create();
    if (!made) return stop(std::unexpected(made.error()));
    emulator = *std::move(made);
  }
  const ReadyLaunch& launch = *context.launch;
  for (std::int64_t block = begin; block < end && !context.ended; ++block) {
    if (auto trouble = emulator->run(*launch.emulated, args, static_cast<std::int64_t>(launch.arguments), block,
                                     context.descending))
      return stop(*std::move(trouble));
  }
}

Result<> run_grid(Launching& context, const std::vector<void*>& args) {
  thread_local GridEmulator grid;
  auto trouble = TRY(grid.run(*context.launch->emulated, args.data(),
                              static_cast<std::int64_t>(context.launch->arguments), context.descending));
  if (trouble) context.trouble = *std::move(trouble);
  return {};
}

void run_tasks(void* raw_context, std::int64_t begin, std::int64_t end, int thread) {
  auto& context = *static_cast<Launching*>(raw_context);
  const ReadyLaunch& launch = *context.launch;
  if (launch.emulated)
    return run_blocks(context, launch.pointers.data() + static_cast<std::size_t>(thread) * launch.arguments, begin,
                      end);
  launch.kernel->run(launch.pointers.data() + static_cast<std::size_t>(thread) * launch.arguments,
                     static_cast<std::int64_t>(launch.arguments), launch.grid.data(), std::ssize(launch.grid), begin,
                     end);
}

// The construct in its line; the line's beginning if it is not there (a macro).
Location place_in(std::string_view text, const BlockTrouble& trouble) {
  std::size_t begin = 0;
  for (int line = 1; line < trouble.line && begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    begin = end == text.npos ? text.size() : end + 1;
  }
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  const std::size_t column = trouble.construct.empty() ? 0 : line.find(trouble.construct);
  return {.line = trouble.line, .column = column == line.npos ? 1 : static_cast<int>(column) + 1};
}

}  // namespace

std::int64_t chunk_of(std::int64_t tasks, int threads) {
  constexpr std::int64_t chunks_a_thread = 8;
  return std::max<std::int64_t>(1, tasks / (chunks_a_thread * std::max(1, threads)));
}

const KernelEntry* Executor::find(std::string_view kernel) const {
  for (const KernelEntry* entry = kernels_; entry != nullptr && entry->name != nullptr; ++entry)
    if (kernel == entry->name) return entry;
  return nullptr;
}

Result<std::optional<std::vector<std::string>>> Executor::prototype(std::string_view kernel) {
  if (interpreter_ != nullptr) return std::nullopt;
  const KernelEntry* entry = find(kernel);
  if (entry == nullptr) return fail(ErrorKind::internal, fmt::format("the image has no entry for {}", kernel));
  std::vector<std::string> types;
  for (const char* const* type = entry->types; *type != nullptr; ++type) types.emplace_back(*type);
  return types;
}

Result<ReadyLaunch> Executor::ready(const BoundStep& step, const BoundLaunch& launch) const {
  ReadyLaunch out;
  if (interpreter_ != nullptr) {
    out.interpreted = launch;
    return out;
  }
  out.kernel = find(launch.kernel);
  if (out.kernel == nullptr)
    return fail(ErrorKind::internal, fmt::format("the image has no entry for {}", launch.kernel), step.at);
  out.grid = launch.grid;
  for (const std::int64_t extent : launch.grid) out.tasks *= extent;
  out.arguments = launch.args.size();
  if (launch.block) {
    out.emulated = EmulatedLaunch{.kernel = out.kernel,
                                  .grid = {1, 1, 1},
                                  .block = launch.block->extent,
                                  .shared_bytes = launch.block->shared_bytes,
                                  .variables = shared_variables_,
                                  .cooperative = launch.block->cooperative,
                                  .tensor_maps = std::ranges::any_of(launch.args, [](const BoundArgument& argument) {
                                    return argument.kind == BoundArgument::Kind::tensor_map;
                                  })};
    std::ranges::copy(launch.grid, out.emulated->grid.begin());
  }
  const auto threads = static_cast<std::size_t>(load_.threads);
  out.values.assign(out.arguments * threads, 0);
  for (std::size_t t = 0; t < threads; ++t) {
    for (std::size_t a = 0; a < out.arguments; ++a) {
      const BoundArgument& argument = launch.args[a];
      std::uint64_t& bits = out.values[t * out.arguments + a];
      const auto set = [&](auto value) { std::memcpy(&bits, &value, sizeof value); };
      using enum BoundArgument::Kind;
      switch (argument.kind) {
        case tensor:
          if (t == 0) out.tensors.emplace_back(a, argument.tensor);
          break;
        case tensor_map:
          if (t == 0) out.maps.push_back(TRY(emulated_map(argument)));
          break;
        case thread:
          set(static_cast<std::int64_t>(t));
          break;
        case i64:
          set(argument.integer);
          break;
        case i32:
          set(static_cast<std::int32_t>(argument.integer));
          break;
        case f32:
          set(static_cast<float>(argument.number));
          break;
        case f64:
          set(argument.number);
          break;
        case boolean:
          set(argument.integer != 0);
          break;
        case unknown:
          return fail(ErrorKind::internal, "an argument of unknown type reached the runner", argument.at);
      }
    }
  }
  for (std::uint64_t& value : out.values) out.pointers.push_back(&value);
  for (std::size_t t = 0; t < threads; ++t) {
    std::size_t map = 0;
    for (std::size_t a = 0; a < out.arguments; ++a)
      if (launch.args[a].kind == BoundArgument::Kind::tensor_map)
        out.pointers[t * out.arguments + a] = &out.maps[map++].map;
  }
  return out;
}

Result<ReadyMap> Executor::emulated_map(const BoundArgument& argument) const {
  const TiledTensor tensor = TRY(tiled(slots_[static_cast<std::size_t>(argument.tensor)].spec, argument.map));
  if (std::cmp_less(tensor.box[0] * static_cast<unsigned>(tensor.element_bytes), argument.map.swizzle)) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: line {}: a box narrower than its swizzle is not emulated on the CPU; this "
                            "candidate needs an NVIDIA GPU",
                            argument.at.line),
                argument.at);
  }
  ReadyMap out{.bytes = {}, .tensor = argument.tensor};
  out.map = {.magic = KerfTensorMap::right_magic,
             .data = nullptr,
             .extent = {},
             .stride = {},
             .box = {},
             .rank = static_cast<unsigned>(tensor.rank),
             .element_bytes = static_cast<unsigned>(tensor.element_bytes),
             .swizzle = static_cast<unsigned>(argument.map.swizzle)};
  std::ranges::copy(tensor.extent, out.map.extent);
  std::ranges::copy(tensor.stride, out.map.stride);
  std::ranges::copy(tensor.box, out.map.box);
  return out;
}

Result<> Executor::run_interpreted(const BoundLaunch& launch, Location at) {
  std::vector<InterpretedTensor> tensors;
  std::set<TensorId> seen;
  for (const BoundArgument& argument : launch.args) {
    if (argument.kind != BoundArgument::Kind::tensor || !seen.insert(argument.tensor).second) continue;
    const Slot& s = slots_[static_cast<std::size_t>(argument.tensor)];
    if (s.data != s.memory.data())
      return fail(ErrorKind::unavailable, "unavailable: a call's result as an argument of an interpreted launch", at);
    tensors.push_back({.name = s.name,
                       .dtype = s.spec.dtype,
                       .memory = {static_cast<std::byte*>(s.memory.data()), s.memory.size()},
                       .writable = s.writable});
  }
  return interpret(*interpreter_, launch, load_.tune, descending_, tensors, at);
}

void Executor::fill_addresses(ReadyLaunch& launch) const {
  const auto threads = static_cast<std::size_t>(load_.threads);
  for (const auto& [argument, id] : launch.tensors) {
    const auto address = reinterpret_cast<std::uint64_t>(slots_[static_cast<std::size_t>(id)].data);
    for (std::size_t t = 0; t < threads; ++t) launch.values[t * launch.arguments + argument] = address;
  }
}

Result<> Executor::run(ReadyLaunch& launch, Location at) {
  if (launch.interpreted) return run_interpreted(*launch.interpreted, at);
  fill_addresses(launch);
  for (ReadyMap& map : launch.maps) {
    map.map.data = static_cast<unsigned char*>(slots_[static_cast<std::size_t>(map.tensor)].data);
    constexpr std::uintptr_t unit = 16;
    if (reinterpret_cast<std::uintptr_t>(map.map.data) % unit != 0)
      return blame(
          "rejected", "tensor_map",
          fmt::format("the tensor of {}'s tensor map begins at no multiple of {} bytes", launch.kernel->name, unit),
          at);
  }
  Launching context{.launch = &launch, .descending = descending_};
  page_.phase.store(StatusPage::Phase::launch, std::memory_order_relaxed);
  Result<> grid;
  if (launch.emulated && launch.emulated->cooperative) {
    grid = run_grid(context, launch.pointers);
  } else if (descending_) {
    for (std::int64_t task = launch.tasks; task-- > 0;) run_tasks(&context, task, task + 1, 0);
  } else if (launch.tasks == 1 || load_.threads == 1) {
    run_tasks(&context, 0, launch.tasks, 0);
  } else {
    bridge_.parallel(load_.threads, launch.tasks, chunk_of(launch.tasks, load_.threads), run_tasks, &context);
  }
  page_.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  TRY(std::move(grid));
  if (!context.trouble) return {};
  const BlockTrouble trouble = TRY(std::move(*context.trouble));
  return blame("wrong", trouble.rule, fmt::format("{}: {}", launch.kernel->name, trouble.message),
               trouble.line > 0 ? place_in(source_.candidate.text, trouble) : at);
}

Result<> Executor::check_margins(const BoundStep& step, const BoundLaunch& launch) {
  for (const BoundArgument& argument : launch.args) {
    if (!argument.reaches_memory()) continue;
    const Slot& s = slots_[static_cast<std::size_t>(argument.tensor)];
    if (s.writable && !s.memory.margins_untouched(sentinel_))
      return blame("wrong", "out_of_bounds_write", fmt::format("{} writes beside {}", launch.kernel, s.name), step.at);
  }
  return {};
}

Result<> Executor::launch(const BoundStep& step, const BoundLaunch& launch) {
  page_.step = step.step;
  ReadyLaunch launching = TRY(ready(step, launch));
  TRY(run(launching, step.at));
  return check_margins(step, launch);
}

}  // namespace kerf
