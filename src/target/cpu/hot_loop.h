// The inner loop of a compiled kernel, and what a model of this processor (llvm-mca) says of it: how many cycles a
// round takes with all data in the first cache, and whether ports or dependencies make it so. Nothing is run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/target.h"

namespace kerf {

// What instructions of a loop are for, as far as it matters which of them fill a port.
enum class LoopWork : std::uint8_t { arithmetic, loads, stores, shuffles, divisions, integer };
[[nodiscard]] const char* to_string(LoopWork work);  // "arithmetic", "loads", …

struct LoopCode {
  std::string function;                        // in whose code it lies
  std::vector<std::string> instructions = {};  // AT&T syntax, jumps to its beginning as `jne .Lround`
  int calls = 0;                               // of functions
  int scalar = 0, vector = 0;                  // floating-point instructions on one number, on a whole register
  int vector_bits = 0;                         // widest register that a vector instruction names
  int bits = 0, arithmetic_bits = 0;           // that those instructions work on in a round; without moves, shuffles
};

// From objdump's listing (`-d --no-show-raw-insn`), which is of an untrusted object: of the innermost loops of `kernel`
// and what the compiler split off from it (of all functions where it stands in none of its own), the one that computes
// with most bits a round. Other loops of the kernel, remainders mostly, are narrower, or move data only. nullopt: there
// is no loop.
[[nodiscard]] std::optional<LoopCode> find_hot_loop(std::string_view listing, std::string_view kernel);

// What the model says of one round in a steady state.
struct LoopModel {
  std::string processor;   // as the model knows it
  double cycles = 0;       // with dependencies between instructions and rounds
  double port_cycles = 0;  // if only ports and the front end counted
  double instructions = 0;
  std::string port;                           // the fullest
  double port_use = 0;                        // of it, in `cycles`: 0 to 1
  LoopWork port_work = LoopWork::arithmetic;  // of the instructions that take most of it
  // A round waits for the one before, or instructions for each other: ports alone would allow it in two thirds of the
  // time.
  [[nodiscard]] bool waits() const { return cycles > 1.5 * port_cycles; }
};
[[nodiscard]] Result<LoopModel> read_mca(std::string_view json);

// The processor that llvm-mca is asked to be (`-mcpu`).
[[nodiscard]] std::string model_of(const MachineFacts& machine);

struct HotLoop {
  LoopCode code;
  LoopModel model;
};
// Lists the object with objdump and asks llvm-mca, both in the jail. `unavailable: …` where one of them is not
// installed, does not know this processor or an instruction, or the kernel has no loop. Blocks, some 0.2 s.
[[nodiscard]] Result<HotLoop> model_hot_loop(const std::string& object, std::string_view kernel);

}  // namespace kerf
