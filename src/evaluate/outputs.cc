#include "evaluate/outputs.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kerf {
namespace {

constexpr std::size_t page = 4096;

struct Extent {
  std::size_t low = 0, high = 0;   // the pages
  std::size_t begin = 0, end = 0;  // the tensor in them
};

Extent extent(const Placed& t, std::size_t size) {
  const std::size_t end = t.offset + t.spec.storage_bytes();
  return {.low = t.offset / page * page,
          .high = std::min((std::max(end, t.offset + 1) + page - 1) / page * page, size),
          .begin = t.offset,
          .end = end};
}

// The sentinel repeats from the start of each page, so that it does not matter where filling begins.
std::byte sentinel_at(std::uint64_t sentinel, std::size_t offset) {
  return static_cast<std::byte>(sentinel >> (8 * (offset % 8)));
}

// Byte offset of element `index` (row-major in the shape) within the tensor.
std::size_t element_offset(const TensorSpec& spec, std::int64_t index) {
  std::int64_t at = 0;
  for (std::size_t d = spec.shape.size(); d-- > 0;) {
    at += index % spec.shape[d] * spec.stride[d];
    index /= spec.shape[d];
  }
  return static_cast<std::size_t>(at) * size_of(spec.dtype);
}

std::vector<std::int64_t> unravel(const TensorSpec& spec, std::int64_t index) {
  std::vector<std::int64_t> at(spec.shape.size());
  for (std::size_t d = spec.shape.size(); d-- > 0;) {
    at[d] = index % spec.shape[d];
    index /= spec.shape[d];
  }
  return at;
}

}  // namespace

std::uint64_t make_sentinel(Random& random) {
  // Sixteen bits of 0x4480 to 0x49ff: as the upper half of an f32 (or as a bf16) 2^10 to 2^21, as an f16 4 to 12, as
  // the top of an f64 2^73 and more; never an infinity or NaN, each half on its own, with either sign.
  std::uint64_t sentinel = 0;
  for (int half = 0; half < 4; ++half) {
    const std::uint64_t sign = random.below(2) << 15;
    sentinel = sentinel << 16 | sign | (0x4480 + random.below(0x0580));
  }
  return sentinel;
}

Result<Arena> make_outputs(const Workload& workload, Placement placement) {
  std::vector<std::pair<std::string, TensorSpec>> tensors;
  for (std::size_t i = 0; i < workload.outputs.size(); ++i) {
    tensors.emplace_back(workload.output_name(i), workload.outputs[i]);
  }
  return make_arena("kerf-outputs", tensors, placement);
}

void fill_margins(Arena& outputs, std::uint64_t sentinel) {
  const auto bytes = outputs.memory.bytes();
  for (const auto& t : outputs.tensors) {
    const auto e = extent(t, bytes.size());
    for (std::size_t i = e.low; i < e.begin; ++i) bytes[i] = sentinel_at(sentinel, i);
    for (std::size_t i = e.end; i < e.high; ++i) bytes[i] = sentinel_at(sentinel, i);
  }
}

std::optional<MarginHit> find_margin_hit(const Arena& outputs, std::uint64_t sentinel) {
  const auto bytes = outputs.memory.bytes();
  for (const auto& t : outputs.tensors) {
    const auto e = extent(t, bytes.size());
    for (std::size_t i = e.end; i < e.high; ++i) {
      if (bytes[i] != sentinel_at(sentinel, i)) return MarginHit{.name = t.name, .behind = true, .distance = i - e.end};
    }
    for (std::size_t i = e.begin; i-- > e.low;) {
      if (bytes[i] != sentinel_at(sentinel, i)) {
        return MarginHit{.name = t.name, .behind = false, .distance = e.begin - 1 - i};
      }
    }
  }
  return std::nullopt;
}

std::optional<Difference> find_difference(const Arena& a, const Arena& b) {
  for (std::size_t i = 0; i < a.tensors.size() && i < b.tensors.size(); ++i) {
    const auto& spec = a.tensors[i].spec;
    const auto* pa = a.memory.bytes().data() + a.tensors[i].offset;
    const auto* pb = b.memory.bytes().data() + b.tensors[i].offset;
    const std::size_t size = size_of(spec.dtype);
    const std::int64_t n = spec.numel();
    if (n == 0) continue;
    if (spec.contiguous() && std::memcmp(pa, pb, static_cast<std::size_t>(n) * size) == 0) continue;
    Difference d{.name = a.tensors[i].name, .first = {}, .count = 0};
    for (std::int64_t k = 0; k < n; ++k) {
      const auto at = element_offset(spec, k);
      if (std::memcmp(pa + at, pb + at, size) == 0) continue;
      if (d.count++ == 0) d.first = unravel(spec, k);
    }
    if (d.count > 0) return d;
  }
  return std::nullopt;
}

std::size_t perturb(Arena& trial, const std::vector<std::string>& names, Random& random) {
  const auto bytes = trial.memory.bytes();
  std::size_t moved = 0;
  for (const auto& t : trial.tensors) {
    if (std::ranges::find(names, t.name) == names.end()) continue;
    const std::int64_t n = t.spec.numel();
    if (n < 2) continue;
    const std::size_t size = size_of(t.spec.dtype);
    const auto swaps = std::clamp<std::int64_t>(n / 64, 16, 1024);
    for (std::int64_t s = 0; s < swaps; ++s) {
      auto* const a = bytes.data() + t.offset +
                      element_offset(t.spec, static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n))));
      auto* const b = bytes.data() + t.offset +
                      element_offset(t.spec, static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n))));
      std::array<std::byte, 8> keep{};
      std::memcpy(keep.data(), a, size);
      std::memmove(a, b, size);
      std::memcpy(b, keep.data(), size);
      moved += 2 * size;
    }
  }
  return moved;
}

Result<Arena> Oracle::make_outputs(const Workload& workload, Placement placement) {
  return kerf::make_outputs(workload, placement);
}
Result<> Oracle::fill(Arena& outputs, std::uint64_t sentinel) {
  fill_margins(outputs, sentinel);
  return {};
}
Result<std::optional<MarginHit>> Oracle::find_margin_hit(const Arena& outputs, std::uint64_t sentinel) {
  return kerf::find_margin_hit(outputs, sentinel);
}
Result<std::optional<Difference>> Oracle::find_difference(const Arena& a, const Arena& b) {
  return kerf::find_difference(a, b);
}
Result<> Oracle::perturb(Trial& trial, const std::vector<std::string>& names, Random& random) {
  kerf::perturb(trial.arena, names, random);
  return {};
}
Result<> Oracle::refresh(Trial& trial, const std::vector<std::string>& names, Arena& outputs, std::uint64_t sentinel,
                         Random& random) {
  TRY(perturb(trial, names, random));
  return fill(outputs, sentinel);
}
Result<bool> Oracle::is_intact(const Trial&) { return true; }

}  // namespace kerf
