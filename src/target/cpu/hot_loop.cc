#include "target/cpu/hot_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/jail.h"
#include "base/process.h"
#include "base/text.h"
#include "problem/json_fields.h"

namespace kerf {

namespace {

constexpr std::size_t most_instructions = 4'000;  // of a loop: the model's time grows with them
constexpr int rounds = 200;                       // that are modelled

struct Instruction {
  std::uint64_t address = 0;
  std::string_view text;                // mnemonic and operands
  std::optional<std::uint64_t> target;  // of a jump
};

std::string_view mnemonic(std::string_view text) { return text.substr(0, text.find_first_of(" \t")); }

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return read.ec == std::errc() && read.ptr != text.data() ? std::optional(value) : std::nullopt;
}

bool is_jump(std::string_view text) { return text.starts_with('j') && text.find('*') == text.npos; }

struct Function {
  std::string name;
  std::vector<Instruction> instructions;
};

std::vector<Function> read_functions(std::string_view listing) {
  std::vector<Function> functions;
  while (!listing.empty()) {
    const std::size_t end = std::min(listing.find('\n'), listing.size());
    const std::string_view line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    if (line.ends_with(">:")) {
      if (const std::size_t open = line.find('<'); open != line.npos)
        functions.push_back({.name = std::string(line.substr(open + 1, line.size() - open - 3)), .instructions = {}});
      continue;
    }
    const std::size_t colon = line.find(":\t");
    if (colon == line.npos || functions.empty()) continue;
    const auto address = hexadecimal(trimmed(line.substr(0, colon)));
    std::string_view text = line.substr(colon + 2);
    text = trimmed(text.substr(0, text.find('#')));
    if (!address || text.empty()) continue;
    Instruction instruction{.address = *address, .text = text, .target = std::nullopt};
    if (is_jump(text)) instruction.target = hexadecimal(trimmed(text.substr(mnemonic(text).size())));
    functions.back().instructions.push_back(instruction);
  }
  return functions;
}

int register_bits(std::string_view text) {
  return text.find("%zmm") != text.npos   ? 512
         : text.find("%ymm") != text.npos ? 256
         : text.find("%xmm") != text.npos ? 128
                                          : 0;
}

// vaddss, vfmadd231sd, vmovss …: on one number of the register.
bool is_scalar(std::string_view name) {
  if (name.starts_with('v')) name.remove_prefix(1);
  return (name.ends_with("ss") || name.ends_with("sd")) && !name.starts_with("broadcast");
}

LoopWork work_of(std::string_view text, bool loads, bool stores) {
  std::string_view name = mnemonic(text);
  if (stores) return LoopWork::stores;
  if (name.find("div") != name.npos || name.find("sqrt") != name.npos) return LoopWork::divisions;
  for (const std::string_view shuffle :
       {"perm", "shuf", "unpck", "insert", "extract", "blend", "pack", "broadcast", "align"}) {
    if (name.find(shuffle) != name.npos && !(loads && shuffle == "broadcast")) return LoopWork::shuffles;
  }
  if (register_bits(text) > 0 && name.find("mov") == name.npos && name.find("broadcast") == name.npos)
    return LoopWork::arithmetic;
  return loads ? LoopWork::loads : LoopWork::integer;
}

LoopCode code_of(const Function& function, std::size_t first, std::size_t last) {
  LoopCode loop{.function = function.name};
  for (std::size_t i = first; i <= last; ++i) {
    const std::string_view text = function.instructions[i].text, name = mnemonic(text);
    if (name.find("nop") != name.npos || text.find("nop") != text.npos) continue;
    if (name.starts_with("call")) {
      ++loop.calls;  // the model knows none
      continue;
    }
    if (name.starts_with('j')) {
      // Jumps within are taken for not taken.
      if (is_jump(text)) loop.instructions.push_back(fmt::format("{} .Lround", name));
      continue;
    }
    if (const int bits = register_bits(text); bits > 0) {
      const int worked_on = is_scalar(name) ? 32 : bits;
      if (is_scalar(name)) {
        ++loop.scalar;
      } else {
        ++loop.vector;
        loop.vector_bits = std::max(loop.vector_bits, bits);
      }
      loop.bits += worked_on;
      if (work_of(text, false, false) == LoopWork::arithmetic) loop.arithmetic_bits += worked_on;
    }
    loop.instructions.emplace_back(text);
  }
  return loop;
}

// The innermost loops: from a jump back to where it leads, with no other such pair inside. What returns in between is
// no loop: blocks that are seldom run stand behind the function's end and jump back into its middle.
std::vector<LoopCode> innermost_loops(const Function& function) {
  std::vector<std::pair<std::size_t, std::size_t>> loops;
  const auto& code = function.instructions;
  for (std::size_t last = 0; last < code.size(); ++last) {
    if (!code[last].target || *code[last].target > code[last].address) continue;
    const auto first = std::ranges::lower_bound(code, *code[last].target, {}, &Instruction::address);
    if (first == code.end() || first->address != *code[last].target) continue;
    const auto end = code.begin() + static_cast<std::ptrdiff_t>(last);
    const bool returns =
        std::any_of(first, end, [](const Instruction& i) { return mnemonic(i.text).starts_with("ret"); });
    if (!returns) loops.emplace_back(first - code.begin(), last);
  }
  std::vector<LoopCode> found;
  for (const auto& loop : loops) {
    const bool inner = std::ranges::none_of(loops, [&](const auto& other) {
      return other != loop && other.first >= loop.first && other.second <= loop.second;
    });
    if (inner && loop.second - loop.first < most_instructions)
      found.push_back(code_of(function, loop.first, loop.second));
  }
  return found;
}

double number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : -1;
}

// Where port use of each kind of instruction is added up: which kind fills the port.
struct PortUse {
  std::map<LoopWork, double> by_work;
  bool others = false;  // used by an instruction that does not load
  bool plain = false;   // used by one that does nothing else
  // An instruction that loads and computes takes ports of both kinds. Those that nothing else uses are for its load,
  // unless they are called floating-point ones and nothing shows that loads take these, too (as znver4's FP45).
  [[nodiscard]] LoopWork most(std::string_view port) const {
    if (!others && (plain || port.find("FP") == port.npos)) return LoopWork::loads;
    return std::ranges::max_element(by_work, {}, [](const auto& entry) { return entry.second; })->first;
  }
};

Result<std::string> listed(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> see,
                           std::optional<std::string> input) {
  constexpr std::size_t max_output = std::size_t{32} << 20;
  for (const char* path : {"/usr/bin", "/usr/lib", "/usr/lib64", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"})
    see.emplace_back(path);
  Jail jail{.read_only = std::move(see)};
  jail.address_space = std::size_t{4} << 30;
  jail.file_size = std::size_t{1} << 20;
  jail.cpu_seconds = 10;
  jail.processes = 16;
  arguments.insert(arguments.begin(), program);
  Command command{.argv = std::move(arguments),
                  .environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}},
                  .directory = "/",
                  .inherit = {},
                  .input = std::move(input)};
  command = TRY(jailed(jail, std::move(command)));
  const Finished finished = TRY(run(command, std::chrono::seconds(40), max_output));
  if (!finished.ok() || finished.output_cut) {
    const std::string said = finished.errors.substr(0, std::min<std::size_t>(finished.errors.find('\n'), 200));
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: {} ended with {}: {}", std::filesystem::path(program).filename().string(),
                            finished.describe(), said));
  }
  return finished.output;
}

}  // namespace

const char* to_string(LoopWork work) {
  switch (work) {
    case LoopWork::arithmetic:
      return "arithmetic";
    case LoopWork::loads:
      return "loads";
    case LoopWork::stores:
      return "stores";
    case LoopWork::shuffles:
      return "shuffles";
    case LoopWork::divisions:
      return "divisions";
    case LoopWork::integer:
      return "integer";
  }
  return "";
}

std::optional<LoopCode> find_hot_loop(std::string_view listing, std::string_view kernel) {
  const std::vector<Function> functions = read_functions(listing);
  const std::string split_off = std::string(kernel) + ".";
  const auto is_own = [&](const Function& f) { return f.name == kernel || f.name.starts_with(split_off); };
  // A kernel that stands nowhere became part of whatever calls it.
  const bool named = std::ranges::any_of(functions, is_own);
  std::vector<LoopCode> loops;
  for (const Function& function : functions) {
    if (!named || is_own(function)) std::ranges::move(innermost_loops(function), std::back_inserter(loops));
  }
  if (loops.empty()) return std::nullopt;
  // What a loop computes comes first: one that sets memory to zero is wide and short, and waits for nothing.
  return *std::ranges::max_element(loops, {}, [](const LoopCode& l) { return std::pair(l.arithmetic_bits, l.bits); });
}

Result<LoopModel> read_mca(std::string_view text) {
  const auto malformed = [] { return fail(ErrorKind::unavailable, "unavailable: llvm-mca says something unknown"); };
  const std::size_t begin = text.find('{');
  if (begin == text.npos) return malformed();
  const auto json = read_json(text.substr(begin));
  if (!json.is_object() || !json.contains("CodeRegions") || !json["CodeRegions"].is_array() ||
      json["CodeRegions"].empty())
    return malformed();
  const auto& region = json["CodeRegions"][0];
  if (!region.is_object()) return malformed();
  for (const char* view : {"SummaryView", "ResourcePressureView", "InstructionInfoView"}) {
    if (!region.contains(view) || !region[view].is_object()) return malformed();
  }
  const auto& summary = region["SummaryView"];
  const double iterations = number(summary, "Iterations");
  LoopModel model;
  model.cycles = number(summary, "TotalCycles") / iterations;
  model.port_cycles = number(summary, "BlockRThroughput");
  model.instructions = number(summary, "Instructions") / iterations;
  if (!(iterations > 0) || !(model.cycles > 0) || !(model.port_cycles > 0) || !(model.instructions > 0))
    return malformed();

  std::vector<std::string> ports;
  if (json.contains("TargetInfo") && json["TargetInfo"].is_object()) {
    const auto& target = json["TargetInfo"];
    if (target.contains("CPUName") && target["CPUName"].is_string())
      model.processor = target["CPUName"].get<std::string>();
    if (target.contains("Resources") && target["Resources"].is_array()) {
      for (const auto& name : target["Resources"]) ports.push_back(name.is_string() ? name.get<std::string>() : "");
    }
  }
  std::vector<std::pair<bool, bool>> memory;  // of each instruction: loads, stores
  const auto& list = region["InstructionInfoView"].value("InstructionList", nlohmann::json::array());
  const auto& texts = region.value("Instructions", nlohmann::json::array());
  if (!list.is_array() || !texts.is_array()) return malformed();
  const auto flag = [](const nlohmann::json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_boolean() && object[key].get<bool>();
  };
  for (const auto& instruction : list) memory.emplace_back(flag(instruction, "mayLoad"), flag(instruction, "mayStore"));
  std::map<std::string, PortUse> uses;  // by port; there may be several of a name
  const auto& pressure = region["ResourcePressureView"].value("ResourcePressureInfo", nlohmann::json::array());
  if (!pressure.is_array()) return malformed();
  for (const auto& entry : pressure) {
    if (!entry.is_object()) continue;
    const double instruction = number(entry, "InstructionIndex"), port = number(entry, "ResourceIndex"),
                 use = number(entry, "ResourceUsage");
    if (instruction < 0 || port < 0 || use < 0 || port >= static_cast<double>(ports.size())) continue;
    const auto i = static_cast<std::size_t>(std::min(instruction, 1e9));
    const auto p = static_cast<std::size_t>(port);
    if (i == memory.size()) {  // all instructions together
      if (use / model.cycles > model.port_use) {
        model.port_use = std::min(1.0, use / model.cycles);
        model.port = ports[p];
      }
    } else if (i < memory.size() && i < texts.size() && texts[i].is_string()) {
      const LoopWork work = work_of(texts[i].get_ref<const std::string&>(), memory[i].first, memory[i].second);
      PortUse& port_use = uses[ports[p]];
      port_use.by_work[work] += use;
      port_use.others = port_use.others || !memory[i].first;
      port_use.plain = port_use.plain || work == LoopWork::loads;
    }
  }
  if (const auto found = uses.find(model.port); found != uses.end()) model.port_work = found->second.most(model.port);
  return model;
}

std::string model_of(const MachineFacts& machine) {
  // A guest may be shown the number of another processor than the one it runs on. Tiles exist on Sapphire Rapids and
  // its successors only.
  return std::ranges::find(machine.isa, "amx_tile") != machine.isa.end() ? "sapphirerapids" : "native";
}

Result<HotLoop> model_hot_loop(const std::string& object, std::string_view kernel) {
  const auto objdump = find_program("objdump");
  if (!objdump) return fail(ErrorKind::unavailable, "unavailable: objdump is not installed (binutils)");
  auto mca = find_program("llvm-mca-19");
  if (!mca) mca = find_program("llvm-mca");
  if (!mca) return fail(ErrorKind::unavailable, "unavailable: llvm-mca is not installed (llvm-19)");
  const std::string listing = TRY(listed(*objdump, {"-d", "--no-show-raw-insn", object}, {object}, std::nullopt));
  auto loop = find_hot_loop(listing, kernel);
  if (!loop) return fail(ErrorKind::unavailable, fmt::format("unavailable: {} has no loop", kernel));
  std::string text = ".Lround:\n";
  for (const std::string& instruction : loop->instructions) text += instruction + "\n";
  const std::string said =
      TRY(listed(*mca, {"-mcpu=" + model_of(detect_machine()), "--json", fmt::format("-iterations={}", rounds), "-"},
                 {}, std::move(text)));
  return HotLoop{.code = *std::move(loop), .model = TRY(read_mca(said))};
}

}  // namespace kerf
