#include "target/nvidia/emulated_ptx.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "target/nvidia/source_pieces.h"

namespace kerf {
namespace {

// An operand of an instruction: "%2" and "[%2]" stand for an expression, numbers and "_" for themselves.
std::optional<std::string> operand_of(std::string_view argument, const std::vector<std::string>& operands) {
  if (argument.size() > 2 && argument.front() == '[' && argument.back() == ']')
    argument = trimmed(argument.substr(1, argument.size() - 2));
  if (argument.starts_with('%')) {
    const std::string_view digits = argument.substr(1);
    if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789") != digits.npos) return {};
    const auto index = static_cast<std::size_t>(std::stoi(std::string(digits)));
    if (index < operands.size()) return operands[index];
    return {};
  }
  if (argument == "_" || (!argument.empty() && argument.find_first_not_of("0123456789") == argument.npos))
    return std::string(argument);
  return {};
}

// A box of a tensor to shared memory or back, in tiles: cp.async.bulk.tensor.2d… [to], [map, {x, y}], [barrier] and
// cp.async.bulk.tensor.2d… [map, {x, y}], [from]. Empty for other forms.
std::string emulated_tensor_copy(std::string_view name, std::string_view rest,
                                 const std::vector<std::string>& operands) {
  name.remove_prefix(std::string_view("cp.async.bulk.tensor.").size());
  for (const std::string_view other : {"im2col", "gather", "scatter", "multicast", "cta_group"})
    if (name.find(other) != name.npos) return {};
  const std::size_t rank = name.empty() ? 0 : static_cast<std::size_t>(name[0] - '0');
  if (rank < 1 || rank > 5 || !name.substr(1).starts_with("d.")) return {};
  const bool load = name.ends_with(".mbarrier::complete_tx::bytes") ||
                    name.find(".mbarrier::complete_tx::bytes.L2::cache_hint") != name.npos;
  const bool store = name.find(".global.shared::cta") != name.npos && name.find(".bulk_group") != name.npos;
  if (load == store) return {};
  std::vector<std::string_view> parts;
  for (const auto& [from, to] : cut(rest, 0, rest.size(), ',')) parts.push_back(trimmed(rest.substr(from, to - from)));
  if (parts.size() < (load ? 3U : 2U)) return {};
  // [map, {x, y}]
  const std::string_view tensor = parts[load ? 1 : 0];
  const std::size_t open = tensor.find('{'), close = tensor.find('}');
  if (!tensor.starts_with('[') || open == tensor.npos || close == tensor.npos || close < open) return {};
  const std::string_view before = trimmed(tensor.substr(1, open - 1)),
                         places = tensor.substr(open + 1, close - open - 1);
  if (!before.ends_with(',')) return {};
  const auto map = operand_of(trimmed(before.substr(0, before.size() - 1)), operands);
  const auto shared = operand_of(parts[load ? 0 : 1], operands);
  std::string at;
  std::size_t given = 0;
  for (const auto& [from, to] : cut(places, 0, places.size(), ',')) {
    const auto place = operand_of(trimmed(places.substr(from, to - from)), operands);
    if (!place) return {};
    at += fmt::format("{}(int)({})", given++ > 0 ? ", " : "", *place);
  }
  if (!map || !shared || given != rank) return {};
  const std::string place = fmt::format("KerfTensorPlace{{{{{}}}, {}}}", at, rank);
  if (store) return fmt::format("kerf_tensor_store((const void*)({}), {}, (unsigned)({}))", *map, place, *shared);
  const auto barrier = operand_of(parts[2], operands);
  if (!barrier) return {};
  return fmt::format("kerf_tensor_load((unsigned)({}), (const void*)({}), {}, (unsigned)({}))", *shared, *map, place,
                     *barrier);
}

}  // namespace

std::string emulated_wait(std::string code, const std::vector<std::string>& operands) {
  std::string barrier, parity, result;
  bool loops = false;
  std::ranges::replace_if(code, [](char c) { return c == '{' || c == '}'; }, ' ');
  for (const auto& [from, to] : cut(code, 0, code.size(), ';')) {
    std::string_view piece = trimmed(std::string_view(code).substr(from, to - from));
    // "LABEL:" and "@p" stand before instructions.
    for (bool more = true; more;) {
      const std::size_t end = std::min(piece.find_first_of(" \t\n"), piece.size());
      more = end > 0 && (piece[0] == '@' || piece[end - 1] == ':');
      if (more) piece = trimmed(piece.substr(end));
    }
    const std::size_t space = std::min(piece.find_first_of(" \t"), piece.size());
    const std::string_view name = piece.substr(0, space);
    std::vector<std::string_view> arguments;
    for (const auto& [begin, stop] : cut(piece, space, piece.size(), ','))
      arguments.push_back(trimmed(piece.substr(begin, stop - begin)));
    if (name.starts_with("mbarrier.try_wait.parity.") || name.starts_with("mbarrier.test_wait.parity.")) {
      if (arguments.size() < 3 || !barrier.empty()) return {};
      barrier = operand_of(arguments[1], operands).value_or("");
      parity = operand_of(arguments[2], operands).value_or("");
    } else if (name.starts_with("selp.")) {
      if (arguments.size() != 4 || arguments[1] != "1" || arguments[2] != "0") return {};
      result = operand_of(arguments[0], operands).value_or("");
    } else if (name == "bra" || name == "bra.uni") {
      loops = true;
    } else if (!name.empty() && name != ".reg") {
      return {};
    }
  }
  if (barrier.empty() || parity.empty() || loops == !result.empty()) return {};
  const std::string passed = fmt::format("kerf_mbarrier_passed((unsigned)({}), (unsigned)({}))", barrier, parity);
  return loops ? fmt::format("while (!{}) {{}}", passed) : fmt::format("({} = {})", result, passed);
}

std::string emulated_ptx(std::string_view instruction, const std::vector<std::string>& operands) {
  const std::size_t space = instruction.find_first_of(" \t");
  const std::string_view name = instruction.substr(0, space);
  if (name.starts_with("cp.async.bulk.tensor."))
    return emulated_tensor_copy(name, space == name.npos ? "" : instruction.substr(space), operands);
  // An operand "%2" stands for its expression, numbers for themselves.
  std::vector<std::string> arguments;
  if (space != instruction.npos) {
    const std::string_view rest = instruction.substr(space);
    for (const auto& [from, to] : cut(rest, 0, rest.size(), ',')) {
      const auto operand = operand_of(trimmed(rest.substr(from, to - from)), operands);
      if (!operand) return {};
      arguments.push_back(*operand);
    }
  }
  const auto starts = [name](std::string_view prefix) { return name.starts_with(prefix); };
  if (name == "cp.async.bulk.commit_group") return "kerf_bulk_commit()";
  if ((name == "cp.async.bulk.wait_group" || name == "cp.async.bulk.wait_group.read") && arguments.size() == 1)
    return fmt::format("kerf_bulk_wait((unsigned)({}))", arguments[0]);
  if (name == "prefetch.tensormap" && arguments.size() == 1) return fmt::format("(void)({})", arguments[0]);
  if (name == "cp.async.commit_group") return "kerf_cp_async_commit()";
  if (name == "cp.async.wait_all") return "kerf_cp_async_wait(~0u)";
  if (name == "cp.async.wait_group" && arguments.size() == 1)
    return fmt::format("kerf_cp_async_wait((unsigned)({}))", arguments[0]);
  if ((starts("cp.async.cg.shared") || starts("cp.async.ca.shared")) && name.find(".global") != name.npos &&
      (arguments.size() == 3 || arguments.size() == 4)) {
    return fmt::format("kerf_cp_async((unsigned){0}, (const void*){1}, (unsigned)({2}), (unsigned)({3}))", arguments[0],
                       arguments[1], arguments[2], arguments.back());
  }
  const auto on_barrier = [&](std::string_view what) { return starts(what) && name.find(".shared") != name.npos; };
  if (on_barrier("mbarrier.init.") && arguments.size() == 2)
    return fmt::format("kerf_mbarrier_init((unsigned)({}), (unsigned)({}))", arguments[0], arguments[1]);
  if (on_barrier("mbarrier.arrive.expect_tx.") && arguments.size() == 3 && arguments[0] == "_") {
    return fmt::format(
        "(kerf_mbarrier_expect((unsigned)({0}), (unsigned)({1})), kerf_mbarrier_arrive((unsigned)({0})))", arguments[1],
        arguments[2]);
  }
  if (on_barrier("mbarrier.expect_tx.") && arguments.size() == 2)
    return fmt::format("kerf_mbarrier_expect((unsigned)({}), (unsigned)({}))", arguments[0], arguments[1]);
  if (on_barrier("mbarrier.arrive.") && !starts("mbarrier.arrive.noComplete") && arguments.size() == 2 &&
      arguments[0] == "_")
    return fmt::format("kerf_mbarrier_arrive((unsigned)({}))", arguments[1]);
  if (starts("cp.async.bulk.shared::") && name.find(".mbarrier::complete_tx::bytes") != name.npos &&
      name.find("multicast") == name.npos && (arguments.size() == 4 || arguments.size() == 5)) {
    return fmt::format("kerf_bulk_copy((unsigned)({}), (const void*)({}), (unsigned)({}), (unsigned)({}))",
                       arguments[0], arguments[1], arguments[2], arguments[3]);
  }
  if (starts("fence.proxy.async") || starts("fence.mbarrier_init.") || on_barrier("mbarrier.inval."))
    return "__threadfence_block()";
  // Loads and stores that order others, and what is added for others to see.
  if ((starts("ld.acquire.") || starts("ld.relaxed.") || starts("ld.volatile.")) && arguments.size() == 2)
    return fmt::format("kerf_ld({}, (const void*){})", arguments[0], arguments[1]);
  if ((starts("st.release.") || starts("st.relaxed.") || starts("st.volatile.")) && arguments.size() == 2)
    return fmt::format("kerf_st((void*){}, {})", arguments[0], arguments[1]);
  if (starts("red.") && (name.ends_with(".add.u32") || name.ends_with(".add.s32")) && arguments.size() == 2)
    return fmt::format("atomicAdd((unsigned*){}, (unsigned){})", arguments[0], arguments[1]);
  if (starts("fence.acq_rel.") || starts("membar.")) return "__threadfence()";
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> functions = {
      {{"ex2.approx", "exp2f"},
       {"lg2.approx", "log2f"},
       {"rcp.approx", "1.0f / "},
       {"rsqrt.approx", "rsqrtf"},
       {"sqrt.approx", "sqrtf"},
       {"sin.approx", "sinf"},
       {"cos.approx", "cosf"},
       {"tanh.approx", "tanhf"},
       {"rcp.rn", "1.0f / "}}};
  for (const auto& [instruction_name, function] : functions) {
    if (starts(instruction_name) && name.ends_with(".f32") && arguments.size() == 2)
      return fmt::format("{} = {}({})", arguments[0], function, arguments[1]);
  }
  return {};
}

}  // namespace kerf
