// Asynchronous copies of a block's threads, which take place when they are waited for.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "runner/emulation/block_emulator.h"
#include "runner/emulation/tensor_copy.h"

namespace kerf {

void BlockEmulator::on_copy(KerfBlock* block, int line, void* to, const void* from, unsigned bytes, unsigned filled) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  if (reinterpret_cast<std::uintptr_t>(to) % bytes != 0 || reinterpret_cast<std::uintptr_t>(from) % bytes != 0) {
    self.give_up(line, "asm",
                 fmt::format("cp.async of {} bytes from or to an address that is no multiple of {}", bytes, bytes));
  }
  fibre.copies.push_back(
      {.to = to, .from = from, .bytes = bytes, .filled = std::min(bytes, filled), .group = fibre.groups});
}

void BlockEmulator::on_commit(KerfBlock* block) { ++of(block).fibres_[block->linear].groups; }

void BlockEmulator::on_wait(KerfBlock* block, unsigned pending_groups) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  // All, those that were not committed included, or what was committed before the last few groups.
  if (pending_groups == ~0u) {
    self.complete(fibre, ~0u);
  } else if (fibre.groups > pending_groups) {
    self.complete(fibre, fibre.groups - pending_groups);
  }
}

// What belongs to groups before `group`.
void BlockEmulator::complete(Fibre& fibre, unsigned group) {
  std::size_t kept = 0;
  for (const Copy& copy : fibre.copies) {
    if (copy.group >= group) {
      fibre.copies[kept++] = copy;
      continue;
    }
    std::memcpy(copy.to, copy.from, copy.filled);
    std::memset(static_cast<std::byte*>(copy.to) + copy.filled, 0, copy.bytes - copy.filled);
  }
  fibre.copies.resize(kept);
}

void BlockEmulator::on_bulk_copy(KerfBlock* block, int line, void* to, const void* from, unsigned bytes,
                                 const void* barrier) {
  BlockEmulator& self = of(block);
  constexpr std::uintptr_t unit = 16;
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from) | bytes) % unit != 0) {
    self.give_up(line, "asm",
                 fmt::format("cp.async.bulk of {} bytes: size and addresses are multiples of {}", bytes, unit));
  }
  self.bulk_copies_.push_back({.to = to, .from = from, .bytes = bytes, .barrier = barrier});
}

unsigned BlockEmulator::on_bulk_bytes(KerfBlock* block, const void* barrier) {
  BlockEmulator& self = of(block);
  unsigned come = 0;
  std::erase_if(self.bulk_copies_, [&](const BulkCopy& copy) {
    if (copy.barrier != barrier) return false;
    std::memcpy(copy.to, copy.from, copy.bytes);
    come += copy.bytes;
    return true;
  });
  std::erase_if(self.tensor_loads_, [&](const TensorCopy& load) {
    if (load.barrier != barrier) return false;
    load_box(load.map, load.place, load.shared);
    come += bytes_of_box(load.map);
    return true;
  });
  return come;
}

KerfTensorMap BlockEmulator::checked(int line, const void* map, const KerfTensorPlace& place, const void* shared) {
  constexpr std::uintptr_t unit = 128;
  KerfTensorMap tensor;
  std::memcpy(&tensor, map, sizeof tensor);
  if (tensor.magic != KerfTensorMap::right_magic)
    give_up(line, "asm", "cp.async.bulk.tensor of what is no tensor map of the plan");
  if (tensor.rank != place.rank)
    give_up(line, "asm",
            fmt::format("cp.async.bulk.tensor.{}d of a tensor map of {} dimensions", place.rank, tensor.rank));
  if (reinterpret_cast<std::uintptr_t>(shared) % unit != 0)
    give_up(line, "asm",
            fmt::format("cp.async.bulk.tensor with an address in shared memory that is no multiple of {}", unit));
  return tensor;
}

void BlockEmulator::on_tensor_load(KerfBlock* block, int line, void* to, const void* map, KerfTensorPlace place,
                                   const void* barrier) {
  BlockEmulator& self = of(block);
  self.tensor_loads_.push_back({.map = self.checked(line, map, place, to),
                                .place = place,
                                .shared = static_cast<std::byte*>(to),
                                .barrier = barrier,
                                .group = 0});
}

void BlockEmulator::on_tensor_store(KerfBlock* block, int line, const void* map, KerfTensorPlace place,
                                    const void* from) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  fibre.stores.push_back({.map = self.checked(line, map, place, from),
                          .place = place,
                          .shared = const_cast<std::byte*>(static_cast<const std::byte*>(from)),
                          .barrier = nullptr,
                          .group = fibre.bulk_groups});
}

void BlockEmulator::on_bulk_commit(KerfBlock* block) { ++of(block).fibres_[block->linear].bulk_groups; }

void BlockEmulator::on_bulk_wait(KerfBlock* block, unsigned pending_groups) {
  Fibre& fibre = of(block).fibres_[block->linear];
  if (fibre.bulk_groups <= pending_groups) return;
  std::erase_if(fibre.stores, [&](const TensorCopy& store) {
    if (store.group >= fibre.bulk_groups - pending_groups) return false;
    store_box(store.map, store.place, store.shared);
    return true;
  });
}

}  // namespace kerf
