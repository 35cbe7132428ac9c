#include "runner/emulation/block_emulator.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "runner/emulation/tensor_copy.h"

#if !defined(__x86_64__)
#error "write kerf_switch_stacks for this processor"
#endif

// Saves what a called function must keep, and the stack pointer to *from; goes on where `to` was saved.
extern "C" void kerf_switch_stacks(void** from, void* to);
asm(R"(
.text
.globl kerf_switch_stacks
.hidden kerf_switch_stacks
.type kerf_switch_stacks, @function
kerf_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size kerf_switch_stacks, .-kerf_switch_stacks
)");

struct KerfTlsIndex {
  unsigned long module, offset;
};
// The C library's own name. NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" void* __tls_get_addr(KerfTlsIndex*);

namespace kerf {

namespace {

// The region: the block, shared memory that ends at a page nobody may touch, then the stacks with such a page below
// each.
constexpr std::size_t page = 4096, shared_at = std::size_t{1} << 20, stacks_at = std::size_t{2} << 20,
                      stack_bytes = std::size_t{96} << 10, lanes = 32;
constexpr std::size_t saved_registers = 6;
constexpr unsigned char nan_byte = 0xff;
static_assert(stacks_at + BlockEmulator::max_threads * stack_bytes <= KerfBlock::region_bytes);
static_assert(shared_at + BlockEmulator::max_shared_bytes + page <= stacks_at);

// The block, and whose it is.
struct Head {
  KerfBlock block;
  BlockEmulator* emulator;
};
static_assert(sizeof(Head) <= page);

constexpr std::size_t region_bytes_for(std::size_t threads) { return stacks_at + threads * stack_bytes; }

const char* name_of(KerfWarpOperation operation) {
  switch (operation) {
    case kerf_warp_sync:
      return "__syncwarp";
    case kerf_warp_shuffle:
      return "__shfl";
    case kerf_warp_ballot:
      return "__ballot_sync, __any_sync or __all_sync";
    case kerf_warp_match:
      return "__match";
    default:
      return "__reduce";
  }
}

const char* place_of(KerfWarpOperation operation) {
  switch (operation) {
    case kerf_warp_sync:
      return "__syncwarp";
    case kerf_warp_shuffle:
      return "__shfl";
    case kerf_warp_ballot:
      return "__";
    case kerf_warp_match:
      return "__match";
    default:
      return "__reduce";
  }
}

}  // namespace

SharedVariables shared_variables_of(const void* in_image) {
  struct Search {
    std::uintptr_t address;
    SharedVariables found;
  } search{reinterpret_cast<std::uintptr_t>(in_image), {}};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* context) {
        auto& s = *static_cast<Search*>(context);
        bool here = false;
        std::size_t bytes = 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
          if (segment.p_type == PT_LOAD && s.address >= begin && s.address < begin + segment.p_memsz) here = true;
          if (segment.p_type == PT_TLS) bytes = segment.p_memsz;
        }
        if (here && bytes > 0) s.found = {.module = info->dlpi_tls_modid, .bytes = bytes};
        return here ? 1 : 0;
      },
      &search);
  return search.found;
}

Result<std::unique_ptr<BlockEmulator>> BlockEmulator::create(std::int64_t threads) {
  // Twice the region holds one that is aligned; what the threads do not need is given back.
  const std::size_t wanted = region_bytes_for(static_cast<std::size_t>(threads));
  void* mapping =
      ::mmap(nullptr, 2 * KerfBlock::region_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return system_error("no memory for the threads of an emulated block", errno);
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  const std::uintptr_t aligned = (address + KerfBlock::region_bytes - 1) & ~(KerfBlock::region_bytes - 1);
  auto* region = static_cast<std::byte*>(mapping) + (aligned - address);
  if (aligned > address) ::munmap(mapping, aligned - address);
  ::munmap(region + wanted, address + 2 * KerfBlock::region_bytes - aligned - wanted);
  if (::mprotect(region, page, PROT_READ | PROT_WRITE) != 0 ||
      ::mprotect(region + shared_at, max_shared_bytes, PROT_READ | PROT_WRITE) != 0) {
    const int code = errno;
    ::munmap(region, wanted);
    return system_error("no memory for an emulated block", code);
  }
  return std::unique_ptr<BlockEmulator>(new BlockEmulator(region, static_cast<std::size_t>(threads)));
}

BlockEmulator::BlockEmulator(std::byte* region, std::size_t threads) : region_(region), mapped_threads_(threads) {
  Head* head = new (region) Head{};
  head->emulator = this;
  block_ = &head->block;
  block_->barrier = on_barrier;
  block_->warp = on_warp;
  block_->copy = on_copy;
  block_->commit = on_commit;
  block_->wait = on_wait;
  block_->trap = on_trap;
  block_->yield = on_yield;
  block_->bulk_copy = on_bulk_copy;
  block_->bulk_bytes = on_bulk_bytes;
  block_->tensor_load = on_tensor_load;
  block_->tensor_store = on_tensor_store;
  block_->bulk_commit = on_bulk_commit;
  block_->bulk_wait = on_bulk_wait;
}

BlockEmulator::~BlockEmulator() { ::munmap(region_, region_bytes_for(mapped_threads_)); }

BlockEmulator& BlockEmulator::of(KerfBlock* block) { return *reinterpret_cast<Head*>(block)->emulator; }

bool BlockEmulator::reserve_stacks(std::size_t threads) {
  for (; stacks_ < threads; ++stacks_) {
    std::byte* stack = region_ + stacks_at + stacks_ * stack_bytes;
    if (::mprotect(stack + page, stack_bytes - page, PROT_READ | PROT_WRITE) != 0) return false;
  }
  return true;
}

void BlockEmulator::set_up(std::size_t thread) {
  Fibre& fibre = fibres_[thread];
  std::vector<Copy> copies = std::move(fibre.copies);
  copies.clear();
  fibre = Fibre{};
  fibre.copies = std::move(copies);
  // Tops of stacks at different places within a page: equal ones would fight over the same lines of the cache.
  constexpr std::size_t colours = 16, colour_bytes = 192;
  std::byte* top =
      region_ + stacks_at + (thread + 1) * stack_bytes - (thread % colours) * colour_bytes - 2 * sizeof(void*);
  auto* at = reinterpret_cast<void**>(top) + 1;  // a function begins 8 bytes beside a multiple of 16
  *at = nullptr;                                 // who called fibre_main
  *--at = reinterpret_cast<void*>(&fibre_main);
  at -= saved_registers;
  std::fill_n(at, saved_registers, nullptr);
  fibre.stack_pointer = at;
}

void BlockEmulator::fibre_main() {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) & ~(KerfBlock::region_bytes - 1);
  auto* block = reinterpret_cast<KerfBlock*>(here);
  BlockEmulator& self = of(block);
  self.launch_->kernel->run(self.args_, self.arguments_, nullptr, 0, 0, 1);
  const std::size_t thread = block->linear;
  self.fibres_[thread].done = true;
  self.moved_ = true;
  --self.alive_;
  Warp& warp = self.warps_[thread / lanes];
  warp.alive &= ~(1u << thread % lanes);
  // Who waits may have waited for this one.
  if (self.arrived_ > 0) self.try_barrier();
  for (std::size_t lane = 0; lane < lanes && warp.waiting != 0; ++lane) {
    if ((warp.waiting >> lane & 1) == 0) continue;
    const Fibre& waiting = self.fibres_[thread / lanes * lanes + lane];
    self.try_warp(thread / lanes, waiting.mask, waiting.line, waiting.operation);
  }
  for (;;) self.leave();
}

void BlockEmulator::leave() { kerf_switch_stacks(&fibres_[block_->linear].stack_pointer, scheduler_); }

void BlockEmulator::give_up(int line, const char* construct, std::string message) {
  if (!trouble_) trouble_ = BlockTrouble{.line = line, .construct = construct, .message = std::move(message)};
  for (;;) leave();
}

std::optional<BlockTrouble> BlockEmulator::run(const EmulatedLaunch& launch, void* const* args, std::int64_t arguments,
                                               std::int64_t index, bool descending) {
  if (auto trouble = begin(launch, args, arguments, index, descending)) return trouble;
  for (;;) {
    Advance now = advance();
    if (now.trouble || now.done) return std::move(now.trouble);
    std::this_thread::yield();  // to the block that it waits for, on another system thread
  }
}

std::optional<BlockTrouble> BlockEmulator::begin(const EmulatedLaunch& launch, void* const* args,
                                                 std::int64_t arguments, std::int64_t index, bool descending) {
  launch_ = &launch;
  args_ = args;
  arguments_ = arguments;
  threads_ = static_cast<std::size_t>(launch.block[0] * launch.block[1] * launch.block[2]);
  descending_ = descending;
  const auto no_room = [](const char* message) {
    return BlockTrouble{.line = 0, .construct = {}, .message = message, .rule = "shared_memory"};
  };
  if (threads_ > mapped_threads_ || launch.shared_bytes > max_shared_bytes)
    return no_room("the block is larger than the emulation's");
  if (!reserve_stacks(threads_)) return no_room("no memory for the stacks of the block's threads");
  const auto extent = [](const std::array<std::int64_t, 3>& of) {
    return KerfExtent{static_cast<unsigned>(of[0]), static_cast<unsigned>(of[1]), static_cast<unsigned>(of[2])};
  };
  KerfBlock& b = *block_;
  b.block_extent = extent(launch.block);
  b.grid_extent = extent(launch.grid);
  b.block = extent(
      {index % launch.grid[0], index / launch.grid[0] % launch.grid[1], index / launch.grid[0] / launch.grid[1]});

  const std::size_t alignment = launch.tensor_maps ? 1024 : 128;
  const auto shared_bytes = static_cast<std::size_t>(launch.shared_bytes);
  const std::size_t offset = (max_shared_bytes - shared_bytes) / alignment * alignment;
  std::byte* shared = region_ + shared_at + offset;
  std::memset(shared, nan_byte, max_shared_bytes - offset);
  b.shared = reinterpret_cast<unsigned char*>(shared);
  b.shared_bytes = shared_bytes;
  b.statics = nullptr;
  b.static_bytes = launch.variables.bytes;
  if (launch.variables.module != 0) {
    KerfTlsIndex variables{launch.variables.module, 0};
    b.statics = static_cast<unsigned char*>(__tls_get_addr(&variables));
    if (launch.cooperative) {
      statics_.assign(b.static_bytes, std::byte{nan_byte});
    } else {
      std::memset(b.statics, nan_byte, b.static_bytes);
    }
  }

  fibres_.resize(std::max(fibres_.size(), threads_));
  warps_.assign((threads_ + lanes - 1) / lanes, {});
  ready_.clear();
  next_.clear();
  bulk_copies_.clear();
  tensor_loads_.clear();
  trouble_.reset();
  alive_ = threads_;
  arrived_ = 0;
  for (std::size_t i = 0; i < threads_; ++i) {
    set_up(i);
    warps_[i / lanes].alive |= 1u << i % lanes;
    ready_.push_back(static_cast<std::uint16_t>(descending ? threads_ - 1 - i : i));
  }
  return std::nullopt;
}

bool BlockEmulator::run_round() {
  KerfBlock& b = *block_;
  const unsigned width = b.block_extent.x, area = width * b.block_extent.y;
  moved_ = false;
  for (const std::uint16_t thread : ready_) {
    b.thread = {thread % width, thread % area / width, thread / area};
    b.linear = thread;
    b.lanes_alive = warps_[thread / lanes].alive;
    kerf_switch_stacks(&scheduler_, fibres_[thread].stack_pointer);
    if (trouble_) return true;
  }
  ready_.clear();
  std::swap(ready_, next_);
  if (descending_) std::ranges::sort(ready_, std::ranges::greater{});
  return moved_;
}

BlockEmulator::Advance BlockEmulator::advance() {
  KerfBlock& b = *block_;
  const bool keeps = launch_->cooperative && b.statics != nullptr;
  if (keeps) std::memcpy(b.statics, statics_.data(), statics_.size());
  Advance now;
  while (!ready_.empty() && !trouble_) {
    if (!run_round()) break;
    now.moved = true;
  }
  if (keeps) std::memcpy(statics_.data(), b.statics, statics_.size());
  now.trouble = trouble_;
  if (trouble_ || !ready_.empty()) return now;
  now.done = true;
  now.trouble = finished();
  return now;
}

std::optional<BlockTrouble> BlockEmulator::finished() {
  if (alive_ > 0) return deadlock();
  const KerfBlock& b = *block_;
  auto* const end = reinterpret_cast<unsigned char*>(region_ + shared_at + max_shared_bytes);
  if (std::find_if(b.shared + b.shared_bytes, end, [](unsigned char byte) { return byte != nan_byte; }) == end)
    return std::nullopt;
  return BlockTrouble{.line = 0,
                      .construct = {},
                      .message = fmt::format("writes behind its {} bytes of dynamic shared memory", b.shared_bytes),
                      .rule = "shared_memory"};
}

BlockTrouble BlockEmulator::waiting() const {
  const std::size_t thread = ready_.front();
  const KerfExtent& at = block_->block;
  const bool flat = launch_->grid[1] == 1 && launch_->grid[2] == 1;
  const std::string block = flat ? fmt::format("{}", at.x) : fmt::format("({}, {}, {})", at.x, at.y, at.z);
  return {.line = fibres_[thread].line,
          .construct = {},
          .message = fmt::format("all blocks wait for each other: {} of block {} waits at line {} for what nobody "
                                 "writes to memory",
                                 thread_name(thread), block, fibres_[thread].line),
          .rule = "deadlock"};
}

// --- Barriers ----------------------------------------------------------------------------------------------------

int BlockEmulator::on_barrier(KerfBlock* block, int line, KerfVote vote, int value) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  fibre.waits = Wait::barrier;
  fibre.line = line;
  fibre.vote = value;
  self.vote_ = vote;
  self.moved_ = true;
  ++self.arrived_;
  self.try_barrier();
  while (fibre.waits != Wait::none) self.leave();
  return static_cast<int>(fibre.result);
}

// Threads that have returned count as arrived (CUDA C++ Programming Guide, compute capability 7.x and later).
void BlockEmulator::try_barrier() {
  if (arrived_ < alive_) return;
  int line = 0, yes = 0, no = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < threads_; ++i) {
    Fibre& fibre = fibres_[i];
    if (fibre.waits != Wait::barrier) continue;
    if (line == 0) {
      line = fibre.line;
      first = i;
    }
    if (fibre.line != line) {
      const std::size_t later = fibre.line > line ? i : first, other = fibre.line > line ? first : i;
      give_up(fibres_[later].line, "__syncthreads",
              fmt::format("the barrier of line {} is not reached by all threads of the block: {} waits there, {} at "
                          "line {}",
                          fibres_[later].line, thread_name(later), thread_name(other), fibres_[other].line));
    }
    ++(fibre.vote != 0 ? yes : no);
  }
  const int result = vote_ == kerf_vote_count ? yes
                     : vote_ == kerf_vote_and ? no == 0
                     : vote_ == kerf_vote_or  ? yes > 0
                                              : 0;
  for (std::size_t i = 0; i < threads_; ++i) {
    Fibre& fibre = fibres_[i];
    if (fibre.waits != Wait::barrier) continue;
    fibre.waits = Wait::none;
    fibre.result = static_cast<unsigned long>(result);
    if (i != block_->linear) next_.push_back(static_cast<std::uint16_t>(i));
  }
  arrived_ = 0;
}

// --- Warps -------------------------------------------------------------------------------------------------------

unsigned long BlockEmulator::on_warp(KerfBlock* block, int line, KerfWarpOperation operation, unsigned mask,
                                     unsigned long value, unsigned argument) {
  BlockEmulator& self = of(block);
  const std::size_t thread = block->linear;
  Fibre& fibre = self.fibres_[thread];
  if ((mask >> thread % lanes & 1) == 0) {
    self.give_up(line, place_of(operation),
                 fmt::format("lane {} of a warp calls {} with the mask {:#010x}, which does not name it",
                             thread % lanes, name_of(operation), mask));
  }
  fibre.waits = Wait::warp;
  self.moved_ = true;
  fibre.line = line;
  fibre.operation = operation;
  fibre.mask = mask;
  fibre.value = value;
  fibre.argument = argument;
  self.warps_[thread / lanes].waiting |= 1u << thread % lanes;
  self.try_warp(thread / lanes, mask, line, operation);
  while (fibre.waits != Wait::none) self.leave();
  return fibre.result;
}

// All lanes that the mask names, and that have not returned, must have come to the same operation at the same line.
void BlockEmulator::try_warp(std::size_t warp, unsigned mask, int line, KerfWarpOperation operation) {
  const unsigned named = mask & warps_[warp].alive;
  if ((warps_[warp].waiting & named) != named) return;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if ((named >> lane & 1) == 0) continue;
    const Fibre& fibre = fibres_[warp * lanes + lane];
    if (fibre.mask != mask || fibre.line != line || fibre.operation != operation) return;
  }
  finish_warp(warp, named, operation);
}

void BlockEmulator::finish_warp(std::size_t warp, unsigned named, KerfWarpOperation operation) {
  Fibre* const first = &fibres_[warp * lanes];
  const auto each = [named](auto visit) {
    for (unsigned rest = named; rest != 0; rest &= rest - 1) visit(static_cast<std::size_t>(__builtin_ctz(rest)));
  };
  unsigned long common = 0;
  if (operation == kerf_warp_ballot)
    each([&](std::size_t lane) { common |= first[lane].value != 0 ? 1ul << lane : 0; });
  if (operation >= kerf_warp_add) {
    bool begun = false;
    each([&](std::size_t lane) {
      const auto a = static_cast<std::uint32_t>(common), b = static_cast<std::uint32_t>(first[lane].value);
      const auto sa = static_cast<std::int32_t>(a), sb = static_cast<std::int32_t>(b);
      std::uint32_t c = b;
      if (begun) {
        switch (operation) {
          case kerf_warp_add:
            c = a + b;
            break;
          case kerf_warp_and:
            c = a & b;
            break;
          case kerf_warp_or:
            c = a | b;
            break;
          case kerf_warp_xor:
            c = a ^ b;
            break;
          case kerf_warp_min:
            c = std::min(a, b);
            break;
          case kerf_warp_max:
            c = std::max(a, b);
            break;
          case kerf_warp_signed_min:
            c = static_cast<std::uint32_t>(std::min(sa, sb));
            break;
          default:
            c = static_cast<std::uint32_t>(std::max(sa, sb));
        }
      }
      begun = true;
      common = c;
    });
  }
  each([&](std::size_t lane) {
    Fibre& fibre = first[lane];
    fibre.result = common;
    if (operation == kerf_warp_shuffle) {
      // What a lane that does not take part would give is undefined: NaN, so that nobody relies on it.
      const unsigned source = fibre.argument % lanes;
      fibre.result = (named >> source & 1) != 0 ? first[source].value : ~0ul;
    } else if (operation == kerf_warp_match) {
      fibre.result = 0;
      each([&](std::size_t other) { fibre.result |= first[other].value == fibre.value ? 1ul << other : 0; });
    }
  });
  warps_[warp].waiting &= ~named;
  each([&](std::size_t lane) {
    first[lane].waits = Wait::none;
    const std::size_t thread = warp * lanes + lane;
    if (thread != block_->linear) next_.push_back(static_cast<std::uint16_t>(thread));
  });
}

// --- Copies ------------------------------------------------------------------------------------------------------

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

void BlockEmulator::on_trap(KerfBlock* block, int line) {
  BlockEmulator& self = of(block);
  self.give_up(line, "__trap", fmt::format("{} stops at line {}", self.thread_name(block->linear), line));
}

void BlockEmulator::on_yield(KerfBlock* block, int line) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  fibre.line = line;
  self.next_.push_back(static_cast<std::uint16_t>(block->linear));
  self.leave();
}

// --- What went wrong ---------------------------------------------------------------------------------------------

std::string BlockEmulator::thread_name(std::size_t thread) const {
  const auto& extent = launch_->block;
  if (extent[1] == 1 && extent[2] == 1) return fmt::format("thread {}", thread);
  const auto at = static_cast<std::int64_t>(thread);
  return fmt::format("thread ({}, {}, {})", at % extent[0], at / extent[0] % extent[1], at / extent[0] / extent[1]);
}

// Everybody waits: the first warp operation that cannot come about, else the barrier that somebody does not reach.
BlockTrouble BlockEmulator::deadlock() const {
  for (std::size_t i = 0; i < threads_; ++i) {
    const Fibre& fibre = fibres_[i];
    if (fibre.waits != Wait::warp) continue;
    std::string missing;
    const unsigned named = fibre.mask & warps_[i / lanes].alive;
    for (std::size_t lane = 0; lane < lanes && missing.empty(); ++lane) {
      const Fibre& other = fibres_[i / lanes * lanes + lane];
      if ((named >> lane & 1) == 0) continue;
      if (other.waits == Wait::warp && other.line == fibre.line && other.mask == fibre.mask &&
          other.operation == fibre.operation)
        continue;
      missing = other.waits == Wait::warp && other.line == fibre.line
                    ? fmt::format("lane {} came with the mask {:#010x}", lane, other.mask)
                    : fmt::format("lane {} waits at line {}", lane, other.line);
    }
    return {.line = fibre.line,
            .construct = place_of(fibre.operation),
            .message = fmt::format("{} of line {} with the mask {:#010x} is not reached by all lanes that it names: {}",
                                   name_of(fibre.operation), fibre.line, fibre.mask, missing)};
  }
  for (std::size_t i = 0; i < threads_; ++i) {
    if (fibres_[i].waits == Wait::barrier) {
      return {
          .line = fibres_[i].line,
          .construct = "__syncthreads",
          .message = fmt::format("the barrier of line {} is not reached by all threads of the block", fibres_[i].line)};
    }
  }
  return {.line = 0, .construct = {}, .message = "the threads of the block wait for each other"};
}

// --- Cooperative launches ----------------------------------------------------------------------------------------

Result<std::optional<BlockTrouble>> GridEmulator::run(const EmulatedLaunch& launch, void* const* args,
                                                      std::int64_t arguments, bool descending) {
  const std::int64_t count = launch.grid[0] * launch.grid[1] * launch.grid[2];
  const std::int64_t threads = launch.block[0] * launch.block[1] * launch.block[2];
  if (threads > BlockEmulator::max_threads || count > max_threads / threads) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: a cooperative launch of {} blocks of {} threads: the emulation holds {} "
                            "threads at a time",
                            count, threads, max_threads));
  }
  if (threads != std::exchange(threads_, threads)) blocks_.clear();
  for (auto missing = count - std::ssize(blocks_); missing > 0; --missing)
    blocks_.push_back(TRY(BlockEmulator::create(threads_)));
  std::vector<BlockEmulator*> running;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = descending ? count - 1 - i : i;
    running.push_back(blocks_[static_cast<std::size_t>(index)].get());
    if (auto trouble = running.back()->begin(launch, args, arguments, index, descending))
      return fail(ErrorKind::unavailable, "unavailable: " + trouble->message);
  }
  // A thread may look a number of times before it does something else.
  constexpr int patience = 10'000;
  for (int idle = 0; !running.empty(); ++idle) {
    std::optional<BlockTrouble> trouble;
    std::erase_if(running, [&](BlockEmulator* block) {
      if (trouble) return false;
      BlockEmulator::Advance now = block->advance();
      trouble = std::move(now.trouble);
      if (now.moved || now.done) idle = 0;
      return now.done;
    });
    if (trouble) return trouble;
    if (idle > patience) return running.front()->waiting();
  }
  return std::nullopt;
}

}  // namespace kerf
