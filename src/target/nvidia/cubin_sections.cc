#include "target/nvidia/cubin_sections.h"

#include <string>

namespace kerf::elf {
namespace {

constexpr Elf64_Half machine_cuda = 190;

}  // namespace

std::unexpected<Error> malformed(const char* what) { return fail(ErrorKind::system, std::string("no cubin: ") + what); }

std::optional<std::string_view> piece(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.substr(offset, size);
}

std::string_view text_at(std::string_view strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const std::string_view rest = strings.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

Result<Elf64_Ehdr> header_of(std::string_view bytes) {
  const auto header = value_at<Elf64_Ehdr>(bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return malformed("no ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != machine_cuda) {
    return malformed("an ELF file of another machine");
  }
  return *header;
}

Result<std::vector<Section>> sections_of(std::string_view bytes, const Elf64_Ehdr& header) {
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return malformed("its sections");
  std::vector<Section> sections;
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    if (header.e_shoff > bytes.size()) return malformed("its section table lies outside");
    const auto read = value_at<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (!read) return malformed("its section table is cut");
    Section section{.name = {}, .header = *read, .bytes = {}};
    if (read->sh_type != SHT_NOBITS && read->sh_type != SHT_NULL) {
      const auto content = piece(bytes, read->sh_offset, read->sh_size);
      if (!content) return malformed("a section lies outside");
      section.bytes = *content;
    }
    sections.push_back(section);
  }
  if (header.e_shstrndx >= sections.size()) return malformed("its section names");
  for (Section& section : sections) section.name = text_at(sections[header.e_shstrndx].bytes, section.header.sh_name);
  return sections;
}

}  // namespace kerf::elf
