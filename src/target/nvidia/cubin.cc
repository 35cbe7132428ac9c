#include "target/nvidia/cubin.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/hash.h"
#include "target/nvidia/cubin_sections.h"

namespace kerf {

using elf::header_of;
using elf::malformed;
using elf::piece;
using elf::Section;
using elf::sections_of;
using elf::text_at;
using elf::value_at;

namespace {

constexpr std::size_t max_kernels = 4096, max_parameters = 4096;

// Attributes of .nv.info: format and number, one byte each, then two bytes of value or of size.
enum class Format : std::uint8_t { none = 1, byte = 2, half = 3, sized = 4 };
enum class Attribute : std::uint8_t {
  max_threads = 0x05,
  constant_bank = 0x0a,
  externals = 0x0f,
  frame_size = 0x11,
  least_stack = 0x12,
  parameter = 0x17,
  most_stack = 0x23,
  registers = 0x2f,
};

// Calls visit(attribute, data) for each entry; false if the section is cut.
template <class Visit>
bool each_attribute(std::string_view bytes, Visit visit) {
  while (bytes.size() >= 4) {
    const auto format = static_cast<Format>(static_cast<std::uint8_t>(bytes[0]));
    const auto attribute = static_cast<Attribute>(static_cast<std::uint8_t>(bytes[1]));
    const std::uint64_t size = format == Format::sized ? *value_at<std::uint16_t>(bytes, 2) : 0;
    const auto data = piece(bytes, 4, size);
    if (!data) return false;
    visit(attribute, *data);
    bytes.remove_prefix(4 + size);
  }
  return bytes.empty();
}

struct PerSymbol {
  std::map<std::uint32_t, std::uint32_t> registers, frame;
};

bool read_global(std::string_view bytes, PerSymbol& out) {
  return each_attribute(bytes, [&](Attribute attribute, std::string_view data) {
    const auto symbol = value_at<std::uint32_t>(data, 0), value = value_at<std::uint32_t>(data, 4);
    if (!symbol || !value) return;
    if (attribute == Attribute::registers) out.registers[*symbol] = *value;
    if (attribute == Attribute::frame_size) out.frame[*symbol] = *value;
  });
}

bool read_kernel_info(std::string_view bytes, CubinKernel& kernel) {
  std::map<int, KernelParameter> parameters;
  const bool whole = each_attribute(bytes, [&](Attribute attribute, std::string_view data) {
    if (attribute == Attribute::max_threads) {
      for (std::size_t d = 0; d < 3; ++d) {
        kernel.max_threads[d] =
            static_cast<int>(std::min<std::uint32_t>(value_at<std::uint32_t>(data, 4 * d).value_or(0), 1u << 20));
      }
    }
    if (attribute != Attribute::parameter) return;
    // Index, ordinal, offset; the size stands in the upper 14 bits of the last word.
    const auto ordinal = value_at<std::uint16_t>(data, 4), offset = value_at<std::uint16_t>(data, 6);
    const auto word = value_at<std::uint32_t>(data, 8);
    constexpr int size_shift = 18;
    if (!ordinal || !offset || !word || *ordinal >= max_parameters) return;
    parameters[*ordinal] = {.offset = *offset, .size = static_cast<int>(*word >> size_shift)};
  });
  for (const auto& [ordinal, parameter] : parameters) kernel.parameters.push_back(parameter);
  return whole;
}

bool runs(const Section& section) {
  const auto type = section.header.sh_type;
  if (type == SHT_NULL || type == SHT_STRTAB || type == SHT_SYMTAB || type == SHT_NOTE) return false;
  constexpr std::array<std::string_view, 8> others{".debug",         ".nv_debug",   ".note",      ".comment",
                                                   ".rela.nv_debug", ".rela.debug", ".rel.debug", ".rel.nv_debug"};
  return std::ranges::none_of(others, [&](std::string_view start) { return section.name.starts_with(start); });
}

// Symbols are named by their numbers in what runs, and those of debug information are numbered among them: counted anew
// without them, a symbol has the same number with debug information and without.
class SymbolNumbers {
 public:
  explicit SymbolNumbers(const std::vector<Section>& sections) {
    const auto table = std::ranges::find(sections, SHT_SYMTAB, [](const Section& s) { return s.header.sh_type; });
    if (table == sections.end()) return;
    for (std::uint64_t i = 0; const auto symbol = value_at<Elf64_Sym>(table->bytes, i * sizeof(Elf64_Sym)); ++i) {
      const bool elsewhere = symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= sections.size();
      const bool there = !elsewhere && runs(sections[symbol->st_shndx]);
      numbers_.push_back(there || elsewhere ? static_cast<std::uint32_t>(kept_.size()) : gone);
      if (there || elsewhere) kept_.emplace_back(*symbol, there);
    }
  }
  // Of what is no symbol's number: as it is.
  [[nodiscard]] std::uint32_t operator()(std::uint32_t number) const {
    return number < numbers_.size() ? numbers_[number] : number;
  }
  void add_to(Digest& digest) const {
    for (const auto& [symbol, there] : kept_) {
      digest.add(static_cast<std::int64_t>(symbol.st_info))
          .add(there ? static_cast<std::int64_t>(symbol.st_value) : -1)
          .add(there ? static_cast<std::int64_t>(symbol.st_size) : -1);
    }
  }

 private:
  static constexpr std::uint32_t gone = 0xfffffff0;  // among what runs only sections of debug information name it
  std::vector<std::uint32_t> numbers_;
  std::vector<std::pair<Elf64_Sym, bool>> kept_;
};

void renumber(std::string& bytes, std::size_t at, const SymbolNumbers& numbers) {
  const auto word = value_at<std::uint32_t>(bytes, at);
  if (!word) return;
  const std::uint32_t now = numbers(*word);
  std::memcpy(bytes.data() + at, &now, sizeof now);
}

// The bytes of a section that runs, symbols by their new numbers.
std::string renumbered(const Section& section, const SymbolNumbers& numbers) {
  std::string bytes(section.bytes);
  constexpr std::size_t word = sizeof(std::uint32_t);
  const auto type = section.header.sh_type;
  if (type == SHT_RELA || type == SHT_REL) {
    const std::size_t entry = type == SHT_RELA ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
    for (std::size_t at = offsetof(Elf64_Rela, r_info) + word; at < bytes.size(); at += entry)
      renumber(bytes, at, numbers);
  } else if (section.name == ".nv.callgraph") {
    for (std::size_t at = 0; at < bytes.size(); at += word) renumber(bytes, at, numbers);
  } else if (section.name.starts_with(".nv.info")) {
    using enum Attribute;
    static_cast<void>(each_attribute(section.bytes, [&](Attribute attribute, std::string_view data) {
      const auto at = static_cast<std::size_t>(data.data() - section.bytes.data());
      const bool first = attribute == registers || attribute == frame_size || attribute == least_stack ||
                         attribute == most_stack || attribute == constant_bank;
      if (first) renumber(bytes, at, numbers);
      for (std::size_t i = 0; attribute == externals && i < data.size(); i += word) renumber(bytes, at + i, numbers);
    }));
  }
  return bytes;
}

}  // namespace

Result<std::string> code_of_cubin(std::string_view bytes, std::span<const std::string> kernels) {
  const Elf64_Ehdr header = TRY(header_of(bytes));
  const std::vector<Section> sections = TRY(sections_of(bytes, header));
  Digest digest;
  constexpr std::uint32_t of_debug_information = 0xff000000;  // the flags' last byte says whether there is any
  digest.add(static_cast<std::int64_t>(header.e_flags & ~of_debug_information));
  const SymbolNumbers numbers(sections);
  numbers.add_to(digest);
  std::map<std::string_view, std::int64_t> place;  // of a kernel's code among what runs
  std::int64_t n = 0;
  for (const Section& section : sections) {
    constexpr std::string_view code = ".text.";
    if (!runs(section)) continue;
    if (section.name.starts_with(code)) place[section.name.substr(code.size())] = n;
    ++n;
    digest.add(static_cast<std::int64_t>(section.header.sh_type))
        .add(static_cast<std::int64_t>(section.header.sh_flags))
        .add(static_cast<std::int64_t>(section.header.sh_size))
        .add(renumbered(section, numbers));
  }
  for (const std::string& kernel : kernels) {
    const auto found = place.find(kernel);
    digest.add(found == place.end() ? -1 : found->second);
  }
  return digest.hex();
}

Result<Cubin> read_cubin(std::string_view bytes) {
  const Elf64_Ehdr header = TRY(header_of(bytes));
  Cubin cubin;
  constexpr unsigned shift = 8, mask = 0xff;  // of the architecture in the flags
  cubin.architecture = static_cast<int>(header.e_flags >> shift & mask);
  const std::vector<Section> sections = TRY(sections_of(bytes, header));

  PerSymbol per_symbol;
  std::map<std::string_view, CubinKernel> kernels;  // by name
  const Section* symbols = nullptr;
  for (const Section& section : sections) {
    constexpr std::string_view code = ".text.", info = ".nv.info.", shared = ".nv.shared.";
    if (section.header.sh_type == SHT_SYMTAB) symbols = &section;
    if (section.name == ".nv.info" && !read_global(section.bytes, per_symbol)) return malformed("its .nv.info is cut");
    if (kernels.size() > max_kernels) return malformed("too many kernels");
    if (section.name.starts_with(code)) kernels[section.name.substr(code.size())].code_bytes = section.bytes.size();
    if (section.name.starts_with(info) && !read_kernel_info(section.bytes, kernels[section.name.substr(info.size())]))
      return malformed("the .nv.info of a kernel is cut");
    if (section.name.starts_with(shared) && !section.name.starts_with(".nv.shared.reserved.")) {
      const auto all = static_cast<std::int64_t>(std::min<std::uint64_t>(section.header.sh_size, INT64_MAX));
      kernels[section.name.substr(shared.size())].shared_bytes =
          cubin.architecture >= 90 ? std::max<std::int64_t>(0, all - reserved_shared_bytes) : all;
    }
  }
  if (symbols != nullptr && symbols->header.sh_link < sections.size()) {
    const std::string_view names = sections[symbols->header.sh_link].bytes;
    const auto number = [](const std::map<std::uint32_t, std::uint32_t>& of, std::uint32_t symbol) -> std::uint32_t {
      const auto found = of.find(symbol);
      return found == of.end() ? 0 : found->second;
    };
    for (std::uint32_t i = 0; const auto symbol = value_at<Elf64_Sym>(symbols->bytes, i * sizeof(Elf64_Sym)); ++i) {
      const auto kernel = kernels.find(text_at(names, symbol->st_name));
      if (kernel == kernels.end() || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC) continue;
      kernel->second.registers = static_cast<int>(std::min<std::uint32_t>(number(per_symbol.registers, i), 1u << 16));
      kernel->second.local_bytes = number(per_symbol.frame, i);
    }
  }
  for (auto& [name, kernel] : kernels) {
    if (kernel.code_bytes == 0) continue;  // a section that belongs to no code
    kernel.name = name;
    cubin.kernels.push_back(std::move(kernel));
  }
  return cubin;
}

nlohmann::json to_json(const CubinKernel& kernel) {
  nlohmann::json parameters = nlohmann::json::array();
  for (const KernelParameter& p : kernel.parameters) parameters.push_back({{"offset", p.offset}, {"size", p.size}});
  return {{"symbol", kernel.name},
          {"registers", kernel.registers},
          {"shared_bytes", kernel.shared_bytes},
          {"local_bytes", kernel.local_bytes},
          {"code_bytes", kernel.code_bytes},
          {"parameters", parameters},
          {"max_threads", kernel.max_threads}};
}

Result<CubinKernel> cubin_kernel_from(const nlohmann::json& json) {
  try {
    CubinKernel kernel{.name = json.at("symbol").get<std::string>(),
                       .registers = json.at("registers").get<int>(),
                       .shared_bytes = json.at("shared_bytes").get<std::int64_t>(),
                       .local_bytes = json.at("local_bytes").get<std::int64_t>(),
                       .code_bytes = json.at("code_bytes").get<std::int64_t>()};
    for (const auto& p : json.at("parameters"))
      kernel.parameters.push_back({.offset = p.at("offset").get<int>(), .size = p.at("size").get<int>()});
    json.at("max_threads").get_to(kernel.max_threads);
    return kernel;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::system, std::string("no record of a kernel: ") + error.what());
  }
}

}  // namespace kerf
