// Where the threads of a block wait for each other: barriers, warps, memory; and what is said where they wait in vain.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runner/emulation/block_emulator.h"

namespace kerf {

namespace {

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

void BlockEmulator::on_yield(KerfBlock* block, int line) {
  BlockEmulator& self = of(block);
  Fibre& fibre = self.fibres_[block->linear];
  fibre.line = line;
  self.next_.push_back(static_cast<std::uint16_t>(block->linear));
  self.leave();
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

}  // namespace kerf
