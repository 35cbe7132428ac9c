#include "target/cpu/inspect.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace kerf {

namespace {

constexpr std::int64_t max_load_bytes = std::int64_t{64} << 20;

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Location location(std::string_view text, std::size_t index) {
  const std::string_view before = text.substr(0, index);
  const std::size_t line = before.rfind('\n');
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(line == before.npos ? index + 1 : index - line)};
}

std::optional<std::size_t> find_word(std::string_view text, std::string_view name, bool prefix) {
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !word(text[at - 1])) && (prefix || end == text.size() || !word(text[end]))) return at;
  }
  return std::nullopt;
}

std::unexpected<Error> reject(const char* rule, std::string message, std::optional<Location> at) {
  return std::unexpected(Error{.kind = ErrorKind::candidate,
                               .message = std::move(message),
                               .at = at,
                               .facts = {{"verdict", "rejected"}, {"rule", rule}}});
}

std::optional<Location> first_place(std::string_view source, std::initializer_list<std::string_view> words) {
  const std::string clean = without_comments(source);
  std::optional<std::size_t> first;
  for (const std::string_view each : words) {
    const auto at = find_word(clean, each, true);
    if (at && (!first || *at < *first)) first = at;
  }
  return first ? std::optional(location(source, *first)) : std::nullopt;
}

// "rows_done" of rows_done, _ZL9rows_done, _ZZ1kvE9rows_done and _ZGVZ1kvE9rows_done: of the Itanium mangling, the last
// name with its length before it. The symbol itself where it is not mangled like that.
std::string readable_name(const std::string& symbol) {
  if (!symbol.starts_with("_Z")) return symbol.substr(0, symbol.find('.'));
  std::string found = symbol;
  for (std::size_t i = 2; i < symbol.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(symbol[i])) == 0) continue;
    std::size_t length = 0, end = i;
    while (end < symbol.size() && std::isdigit(static_cast<unsigned char>(symbol[end])) != 0 && length < symbol.size())
      length = length * 10 + static_cast<std::size_t>(symbol[end++] - '0');
    if (length > 0 && end + length <= symbol.size()) {
      found = symbol.substr(end, length);
      i = end + length - 1;
    }
  }
  return found;
}

bool forbidden_instruction(std::string_view name) {
  static constexpr std::array<std::string_view, 14> names = {"syscall", "sysenter", "sysexit", "int",   "int3",
                                                             "int1",    "into",     "in",      "out",   "svc",
                                                             "hvc",     "smc",      "wrpkru",  "xrstor"};
  return std::ranges::find(names, name) != names.end() || name.starts_with("wrfsbase") ||
         name.starts_with("wrgsbase") || name.starts_with("ins");
}

}  // namespace

std::string without_comments(std::string_view source) {
  std::string out(source);
  const auto blank = [&out](std::size_t i) {
    if (out[i] != '\n') out[i] = ' ';
  };
  for (std::size_t i = 0; i < out.size();) {
    const std::string_view rest = source.substr(i);
    if (rest.starts_with("//")) {
      while (i < out.size() && out[i] != '\n') blank(i++);
    } else if (rest.starts_with("/*")) {
      const std::size_t end = std::min(source.find("*/", i + 2), out.size() - 2) + 2;
      while (i < end && i < out.size()) blank(i++);
    } else if (out[i] == '"') {
      for (++i; i < out.size() && out[i] != '"' && out[i] != '\n'; ++i) {
        if (out[i] == '\\' && i + 1 < out.size()) blank(i++);
        if (out[i] != '\n') blank(i);
      }
      ++i;
    } else {
      ++i;
    }
  }
  return out;
}

bool allowed_symbol(std::string_view name) {
  static constexpr std::array<std::string_view, 6> memory = {"memcpy", "memset",           "memmove",
                                                             "memcmp", "__stack_chk_fail", "__cpu_model"};
  static constexpr std::array<std::string_view, 44> math = {
      "exp",  "exp2",      "expm1", "exp10",     "log",    "log2",    "log10",  "log1p",  "pow",
      "sin",  "cos",       "tan",   "asin",      "acos",   "atan",    "atan2",  "sinh",   "cosh",
      "tanh", "asinh",     "acosh", "atanh",     "erf",    "erfc",    "tgamma", "lgamma", "sqrt",
      "cbrt", "hypot",     "fmod",  "remainder", "floor",  "ceil",    "trunc",  "round",  "roundeven",
      "rint", "nearbyint", "lrint", "llrint",    "lround", "llround", "fma",    "sincos"};
  static constexpr std::array<std::string_view, 8> more_math = {"fabs",  "fmax",  "fmin",   "fdim",
                                                                "ldexp", "frexp", "scalbn", "copysign"};
  if (std::ranges::find(memory, name) != memory.end()) return true;
  const std::string_view bare = name.ends_with('f') && name != "erf" ? name.substr(0, name.size() - 1) : name;
  for (const std::string_view function : {name, bare}) {
    if (std::ranges::find(math, function) != math.end() || std::ranges::find(more_math, function) != more_math.end())
      return true;
  }
  // Vector forms of the mathematical functions, conversions between formats.
  if (name.starts_with("_ZGV")) return true;
  static constexpr std::array<std::string_view, 9> helpers = {"__truncsfhf2", "__truncdfhf2", "__extendhfsf2",
                                                              "__truncsfbf2", "__truncdfbf2", "__extendbfsf2",
                                                              "__powisf2",    "__powidf2",    "__popcountdi2"};
  return std::ranges::find(helpers, name) != helpers.end();
}

std::optional<Location> place_of(std::string_view source, std::string_view name) {
  const std::string clean = without_comments(source);
  std::optional<std::size_t> first;
  for (const std::string& spelling : {std::string(name), "__builtin_" + std::string(name)}) {
    const auto at = find_word(clean, spelling, false);
    if (at && (!first || *at < *first)) first = at;
  }
  return first ? std::optional(location(source, *first)) : std::nullopt;
}

std::vector<FunctionCode> read_listing(std::string_view listing) {
  std::vector<FunctionCode> functions;
  while (!listing.empty()) {
    const std::size_t end = listing.find('\n');
    const std::string_view line = listing.substr(0, end);
    listing = end == listing.npos ? std::string_view{} : listing.substr(end + 1);
    if (line.ends_with(">:")) {
      const std::size_t open = line.find('<');
      if (open != line.npos && functions.size() < 4096)
        functions.push_back({.name = std::string(line.substr(open + 1, line.size() - open - 3))});
      continue;
    }
    const std::size_t tab = line.find('\t');
    if (tab == line.npos || functions.empty()) continue;
    std::string_view text = line.substr(tab + 1);
    std::string_view name = text.substr(0, text.find_first_of(" \t"));
    // What makes a prefix of its own in objdump's eyes still names its instruction.
    while (name == "rep" || name == "repz" || name == "repnz" || name == "lock" || name == "bnd" || name == "notrack" ||
           name == "data16" || name.starts_with("rex")) {
      text.remove_prefix(std::min(text.size(), name.size() + 1));
      name = text.substr(0, text.find_first_of(" \t"));
      if (text.empty()) break;
    }
    if (name.empty()) continue;
    FunctionCode& code = functions.back();
    ++code.instructions;
    if (forbidden_instruction(name) && std::ranges::find(code.forbidden, name) == code.forbidden.end())
      code.forbidden.emplace_back(name);
    if (name.starts_with("call")) ++code.calls;
    if (name.starts_with("vfm") || name.starts_with("vfnm") || name.starts_with("fmla") || name.starts_with("fmadd"))
      ++code.fma;
    if (name.find("gather") != name.npos) ++code.gathers;
    if (name.starts_with("vdiv") || name.starts_with("div") || name.starts_with("idiv") || name.starts_with("fdiv") ||
        name.find("sqrt") != name.npos)
      ++code.divisions;
    if (text.find("%zmm") != text.npos) {
      ++code.vector512;
    } else if (text.find("%ymm") != text.npos) {
      ++code.vector256;
    } else if (text.find("%xmm") != text.npos) {
      ++code.vector128;
    }
  }
  return functions;
}

Result<> check_object(const ObjectFile& object, const std::vector<FunctionCode>& code, std::string_view source) {
  if (object.thread_local_data) {
    return reject(
        "thread_local",
        "thread-local variables are not for kernels: use scratch of shape [\"threads\", ...] and the argument thread",
        first_place(source, {"thread_local", "__thread"}));
  }
  // An optimiser may remove an allocation whose memory is never read; the rule must not depend on which one it is.
  for (const std::string_view name :
       {"__builtin_malloc", "__builtin_calloc", "__builtin_realloc", "__builtin_aligned_alloc", "__builtin_free"}) {
    if (const auto at = place_of(source, name)) {
      return reject("undefined_symbol",
                    "the kernel calls " + std::string(name) +
                        ": kernels do not allocate, memory to work in is declared as scratch in the plan",
                    at);
    }
  }
  std::optional<Location> first;
  std::string culprit;
  for (const std::string& name : object.undefined) {
    if (allowed_symbol(name)) continue;
    auto at = place_of(source, name);
    // Optimisers turn malloc and memset into calloc, printf into puts.
    if (!at && name == "calloc") at = place_of(source, "malloc");
    if (!at && (name == "puts" || name == "putchar")) at = place_of(source, "printf");
    if (culprit.empty() ||
        (at && (!first || at->line < first->line || (at->line == first->line && at->column < first->column)))) {
      culprit = name;
      first = at;
    }
  }
  if (!culprit.empty()) {
    return reject("undefined_symbol",
                  "the kernel calls " + culprit +
                      ", which a kernel may not: it has memcpy, memset and the mathematical functions, "
                      "no allocation, no system, no threads; memory to work in is declared as scratch in the plan",
                  first);
  }
  if (object.constructors) {
    return reject("constructor",
                  "the source runs code when it is loaded (a constructor, or a global that is computed): make it "
                  "constexpr or move it into a kernel",
                  first_place(source, {"constructor", "destructor"}));
  }
  if (!object.indirect.empty() || object.indirect_relocations) {
    return reject("indirect_function",
                  "the source chooses a function when it is loaded (ifunc, target_clones): it is compiled for this "
                  "very machine already",
                  first_place(source, {"ifunc", "target_clones"}));
  }
  if (object.executable_stack)
    return reject("executable_stack", "the object asks for an executable stack", first_place(source, {"asm", "__asm"}));
  if (object.writable_code)
    return reject("writable_code", "the object asks for memory that is both written and executed",
                  first_place(source, {"asm", "__asm"}));
  if (object.load_bytes > max_load_bytes) {
    return reject("too_large",
                  "the object takes " + std::to_string(object.load_bytes >> 20) +
                      " MiB when loaded, 64 are allowed: large memory is declared as scratch in the plan",
                  std::nullopt);
  }
  for (const FunctionCode& function : code) {
    if (function.forbidden.empty()) continue;
    return reject("system_call",
                  "the kernel contains the instruction " + function.forbidden.front() +
                      ", which enters the system: kernels only compute",
                  first_place(source, {"asm", "__asm", "__builtin_trap", "__builtin_debugtrap"}));
  }
  return {};
}

Result<> check_state(const ObjectFile& object, const Source& source) {
  if (object.writable_bytes == 0) return {};
  const std::string_view text = source.candidate.text;
  std::string what = "a variable";
  if (!object.writable.empty()) {
    const std::string name = readable_name(object.writable.front().first);
    what = "`" + name + "`";
    if (const auto place = place_of(text, name)) what += " (line " + std::to_string(place->line) + ")";
  }
  std::optional<Location> at;
  for (const Step& step : source.plan.steps) {
    if (step.kind == Step::Kind::launch && !at) at = step.target.at;
  }
  return reject("keeps_state",
                "memory that outlives a run: " + what +
                    " is written, or could be; kernels keep nothing between runs: make it const, or memory to work in "
                    "scratch of the plan (shape [\"threads\", ...] and the argument thread for one a thread)",
                at);
}

nlohmann::json to_json(const ObjectFile& object, const std::vector<FunctionCode>& code,
                       const std::vector<std::string>& kernels) {
  nlohmann::json writable = nlohmann::json::array(), mix = nlohmann::json::object();
  for (const auto& [name, bytes] : object.writable) writable.push_back({{"name", name}, {"bytes", bytes}});
  const auto add = [](nlohmann::json& sum, const char* key, int value) { sum[key] = sum.value(key, 0) + value; };
  for (const FunctionCode& function : code) {
    for (const std::string& kernel : kernels) {
      // Clones that the compiler makes of a kernel (k.part.0, k.constprop.0) belong to it.
      if (function.name != kernel && !function.name.starts_with(kernel + ".")) continue;
      nlohmann::json& sum = mix[kernel];
      if (sum.is_null()) sum = nlohmann::json::object();
      add(sum, "instructions", function.instructions);
      add(sum, "calls", function.calls);
      add(sum, "fma", function.fma);
      add(sum, "gathers", function.gathers);
      add(sum, "divisions", function.divisions);
      add(sum, "vector_512", function.vector512);
      add(sum, "vector_256", function.vector256);
      add(sum, "vector_128", function.vector128);
    }
  }
  return {{"undefined", object.undefined},
          {"code_bytes", object.code_bytes},
          {"writable_bytes", object.writable_bytes},
          {"writable", writable},
          {"kernels", mix}};
}

}  // namespace kerf
