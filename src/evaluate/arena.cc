#include <unistd.h>

#include <fmt/format.h>

#include "evaluate/oracle.h"

namespace kerf {
namespace {

constexpr std::size_t alignment = 64;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

// Layout: guard page, pages of tensor 0, guard page, pages of tensor 1, …, guard page.
Result<Arena> make_arena(const std::string& name, const std::vector<std::pair<std::string, TensorSpec>>& tensors,
                         Placement placement) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  Arena arena;
  std::size_t next = page;
  for (const auto& [tensor, spec] : tensors) {
    const std::size_t bytes = std::max<std::size_t>(spec.storage_bytes(), 1);  // a tensor of nothing has a place, too
    const std::size_t pages = rounded_up(bytes, page);
    const std::size_t skip = placement == Placement::back ? pages - rounded_up(bytes, alignment) : 0;
    arena.tensors.push_back({.name = tensor, .spec = spec, .offset = next + skip});
    next += pages + page;
  }
  auto memory = SharedMemory::create(name, next);
  if (!memory) {
    return fail(ErrorKind::system, fmt::format("no memory for {} tensors of {} bytes in all: {}", tensors.size(), next,
                                               memory.error().message));
  }
  arena.memory = *std::move(memory);
  return arena;
}

const char* to_string(Baseline baseline) {
  switch (baseline) {
    case Baseline::eager:
      return "eager";
    case Baseline::compile:
      return "compile";
    case Baseline::max_autotune:
      return "max_autotune";
  }
  return "?";
}

}  // namespace kerf
