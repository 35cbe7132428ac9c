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
                      stack_bytes = std::size_t{96} << 10;
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

void BlockEmulator::on_trap(KerfBlock* block, int line) {
  BlockEmulator& self = of(block);
  self.give_up(line, "__trap", fmt::format("{} stops at line {}", self.thread_name(block->linear), line));
}

std::string BlockEmulator::thread_name(std::size_t thread) const {
  const auto& extent = launch_->block;
  if (extent[1] == 1 && extent[2] == 1) return fmt::format("thread {}", thread);
  const auto at = static_cast<std::int64_t>(thread);
  return fmt::format("thread ({}, {}, {})", at % extent[0], at / extent[0] % extent[1], at / extent[0] / extent[1]);
}

}  // namespace kerf
