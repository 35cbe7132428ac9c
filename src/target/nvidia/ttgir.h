// Triton's GPU dialect as text (what Triton 3.6 to 3.9 print between their passes): a reader of as much of it as it
// takes to find operations, the loops around them and where they come from, and probes put into that text. No MLIR: its
// C++ interface changes with every release of Triton, its text hardly does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct TtgirLoop {
  std::string counter, from, step;  // values: "%i", "%c0_i32", "%c1024_i32"
  std::string type;                 // "i32", "i64" or "index"
  std::size_t first_line = 0;
  int around = -1;  // the loop around it, as in TtgirOp
};

// A list in parentheses on one line.
struct TtgirList {
  std::size_t line = 0;
  std::size_t end = 0;  // column of the parenthesis that closes it
  bool empty = true;
};

struct TtgirOp {
  std::string name;            // "tt.load"
  std::size_t first_line = 0;  // of the text, from 0
  std::size_t last_line = 0;   // with its regions
  int loop = -1;               // index of the innermost scf.for around it; -1: none
  int partition = -1;          // index of the partition that it is in; -1: none, or the default one
  std::string file;            // of the kernel's source; empty if it does not say
  int line = 0;                // there, from 1
};

// Warps with work of their own (ttg.warp_specialize). What a partition uses from outside is handed to it.
struct TtgirSpecialization {
  TtgirList operands, types;
};
struct TtgirPartition {
  std::size_t specialization = 0;  // of Ttgir::specializations
  TtgirList parameters;
};

struct Ttgir {
  std::vector<std::string> lines;
  std::string function;  // the kernel's symbol
  TtgirList parameters;  // on the line where it is declared
  std::size_t return_line = 0;
  // Of the function, and of loops (scf.for), branches (scf.if) and partitions within it, in order; not of other
  // regions.
  std::vector<TtgirOp> ops;
  std::vector<TtgirLoop> loops;  // by TtgirOp::loop
  std::vector<TtgirSpecialization> specializations;
  std::vector<TtgirPartition> partitions;  // by TtgirOp::partition
};

// Of a module with one public function. Kind user: what is not understood, with its line.
[[nodiscard]] Result<Ttgir> read_ttgir(std::string_view text);

// Indices of the operations worth timing: what moves data, multiplies, reduces or waits, and loops as a whole; at most
// `most`, those of the innermost loops first, whichever warps they are of.
[[nodiscard]] std::vector<std::size_t> ops_to_probe(const Ttgir& ir, std::size_t most = 16);

struct ProbeLimits {
  int programs = 64;  // the first ones record, the others do not
  int rounds = 32;    // of the innermost loop around an operation, its first ones
};
// What the kernel writes for each program that records: head_words 64-bit words (the GPU's nanoseconds at the begin,
// the SM's cycles at the begin, the SM's number, its cycles at the end), then two for each event, the SM's cycles
// before and after. Words that are never written stay as they were.
struct ProbePlan {
  struct Event {
    std::size_t op = 0;  // of Ttgir::ops
    int round = 0;
  };
  static constexpr std::int64_t head_words = 4;
  std::vector<Event> events;
  int programs = 0;
  [[nodiscard]] std::int64_t words_of_program() const {
    return head_words + 2 * static_cast<std::int64_t>(events.size());
  }
  [[nodiscard]] std::int64_t bytes() const { return 8 * words_of_program() * programs; }
};
struct ProbedTtgir {
  std::string text;  // with one more parameter, the last: the address of ProbePlan::bytes() bytes
  ProbePlan plan;
};
// Probes are reads of the SM's clock by volatile inline assembly that memory operations are not moved across, each
// stored by one thread of the block. They do not wait for what they time: a load's time is that of handing it out,
// unless what follows needs its value. Kind user: an index that is none, or more than 4,096 words a program.
[[nodiscard]] Result<ProbedTtgir> insert_probes(const Ttgir& ir, std::span<const std::size_t> ops,
                                                const ProbeLimits& limits = {});

// One timed stretch. Nanoseconds since the first program began; programs of different SMs are laid side by side by the
// GPU's clock, what happens within one by its SM's cycles.
struct TimelineEvent {
  int program = 0, sm = 0;
  std::size_t op = 0;
  int round = 0;
  double begin_ns = 0, end_ns = 0;
};
// Of what a probed kernel wrote over memory of zeros. `mhz` is the SMs' clock. Ordered by program, then begin. Events
// that were not recorded, or that end before they begin, are left out.
[[nodiscard]] std::vector<TimelineEvent> timeline(const ProbePlan& plan, std::span<const std::uint64_t> words,
                                                  double mhz);

}  // namespace kerf
