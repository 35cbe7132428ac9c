// What a compiled candidate consists of, and whether it may be loaded at all. The object is untrusted bytes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/plan.h"

namespace kerf {

// What matters of an ELF shared object of this machine's class (64-bit, little-endian).
struct ObjectFile {
  std::vector<std::string> undefined;                          // names, versions stripped
  std::vector<std::string> indirect;                           // IFUNC symbols
  std::vector<std::pair<std::string, std::int64_t>> writable;  // objects in writable memory and their bytes
  std::int64_t code_bytes = 0;
  std::int64_t writable_bytes = 0;  // .data and .bss
  std::int64_t load_bytes = 0;      // memory that loading it takes
  bool constructors = false;        // .init_array and the like, DT_INIT
  bool thread_local_data = false;
  bool executable_stack = false;
  bool writable_code = false;
  bool indirect_relocations = false;
};
[[nodiscard]] Result<ObjectFile> read_object(std::string_view bytes);
// Digest of what of an object takes part in a run: the contents of what is loaded and what is relocated in it. Names,
// notes, unwinding tables, debug information and where the file lies are no part of it.
[[nodiscard]] Result<std::string> code_of_object(std::string_view bytes);

// Instructions of one function, from objdump's listing.
struct FunctionCode {
  std::string name;
  int instructions = 0, calls = 0, fma = 0, gathers = 0, divisions = 0;
  int vector512 = 0, vector256 = 0, vector128 = 0;  // instructions by the widest register that they name
  std::vector<std::string> forbidden = {};          // syscall, int, in, out, …: what enters the system
};
[[nodiscard]] std::vector<FunctionCode> read_listing(std::string_view listing);

// Names that a kernel may leave undefined: memory functions, libm, helpers of the compilers.
[[nodiscard]] bool allowed_symbol(std::string_view name);
// The source with comments and the insides of strings blanked: as long as before, lines kept.
[[nodiscard]] std::string without_comments(std::string_view source);
// Where `name` (or __builtin_name) first stands as an identifier in the source, comments and strings skipped.
[[nodiscard]] std::optional<Location> place_of(std::string_view source, std::string_view name);

// The rules: kind candidate, verdict rejected, rule undefined_symbol, constructor, indirect_function, thread_local,
// executable_stack, writable_code, too_large or system_call, at the place in `source` where it can be found.
[[nodiscard]] Result<> check_object(const ObjectFile& object, const std::vector<FunctionCode>& code,
                                    std::string_view source);
// A cpp kernel keeps nothing from one run to the next: memory that it could write lies in the tensors that its launch
// names. Kind candidate, verdict rejected, rule keeps_state, at the first launch.
[[nodiscard]] Result<> check_state(const ObjectFile& object, const Source& source);
[[nodiscard]] nlohmann::json to_json(const ObjectFile& object, const std::vector<FunctionCode>& code,
                                     const std::vector<std::string>& kernels);

}  // namespace kerf
