// On line programs that are written down here; tests/integration/cuda_test.cc and triton_test.cc read the compilers'
// own.
#include "target/nvidia/line_table.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace kerf {
namespace {

template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// An ELF file with these sections, of which ".symtab" links to ".strtab".
std::string elf_of(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string names(1, '\0'), body(sizeof(Elf64_Ehdr), '\0');
  std::vector<Elf64_Shdr> headers(1);
  const auto add = [&](const std::string& name, const std::string& bytes) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<Elf64_Word>(names.size());
    header.sh_type = name == ".symtab" ? SHT_SYMTAB : name.starts_with(".rela") ? SHT_RELA : SHT_PROGBITS;
    header.sh_offset = body.size();
    header.sh_size = bytes.size();
    if (name == ".symtab") header.sh_link = 1;
    names += name + '\0';
    body += bytes;
    headers.push_back(header);
  };
  for (const auto& [name, bytes] : sections) add(name, bytes);
  add(".shstrtab", names + ".shstrtab" + '\0');
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = 190;
  header.e_shoff = body.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(headers.size());
  header.e_shstrndx = static_cast<Elf64_Half>(headers.size() - 1);
  for (const Elf64_Shdr& each : headers) body += bytes_of(each);
  std::memcpy(body.data(), &header, sizeof header);
  return body;
}

// Lines 5, then 6 from 0x10, then line 70 of the prelude, called from the second row, from 0x20 to 0x30.
std::string lines_of(std::size_t& address_at) {
  std::string header = bytes_of(std::uint8_t{1}) + bytes_of(std::uint8_t{1}) + bytes_of(std::int8_t{-5}) +
                       bytes_of(std::uint8_t{14}) + bytes_of(std::uint8_t{10});
  header += std::string("\0\1\1\1\1\0\0\0\1", 9);          // operands
  header += std::string("/folder\0\0", 9);                 // folders
  header += std::string("/tmp/candidate.py\0\1\0\0", 21);  // files
  header += std::string("prelude\0\1\0\0\0", 12);
  std::string program = std::string("\0\x09\x02", 3);  // address 0
  address_at = 4 + 2 + 4 + header.size() + program.size();
  program += std::string(8, '\0');
  program += std::string("\3\4\1", 3);             // line 5
  program += static_cast<char>(10 + 16 * 14 + 6);  // 0x10, line 6
  program += std::string("\4\2\0\3\x90\2\0", 7);   // the prelude, called at row 2
  program += std::string("\3\xc0\0\2\x10\1", 6);   // line 70, 0x20
  program += std::string("\2\x10\0\1\1", 5);       // 0x30: the end
  const std::string unit =
      bytes_of(std::uint16_t{2}) + bytes_of(static_cast<std::uint32_t>(header.size())) + header + program;
  return bytes_of(static_cast<std::uint32_t>(unit.size())) + unit;
}

std::string cubin_of(const std::string& lines, std::size_t address_at) {
  Elf64_Sym symbol{};
  symbol.st_name = 1;
  symbol.st_shndx = 3;
  const Elf64_Rela relocation{.r_offset = address_at, .r_info = ELF64_R_INFO(1, 2), .r_addend = 0};
  return elf_of({{".strtab", std::string("\0kernel\0", 8)},
                 {".symtab", bytes_of(Elf64_Sym{}) + bytes_of(symbol)},
                 {".text.kernel", std::string(0x30, 'x')},
                 {".debug_line", lines},
                 {".rela.debug_line", bytes_of(relocation)}});
}

TEST(LineTable, SaysWhereInstructionsComeFrom) {
  std::size_t address_at = 0;
  const std::string lines = lines_of(address_at);
  const auto table = read_line_table(cubin_of(lines, address_at));
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_TRUE(table->functions.contains("kernel"));
  EXPECT_EQ(table->line_of("kernel", 0x00, "candidate.py"), 5);
  EXPECT_EQ(table->line_of("kernel", 0x0f, "candidate.py"), 5);
  EXPECT_EQ(table->line_of("kernel", 0x10, "candidate.py"), 6);
  EXPECT_EQ(table->line_of("kernel", 0x20, "candidate.py"), 6) << "inlined from the prelude, called in line 6";
  EXPECT_EQ(table->line_of("kernel", 0x20, "prelude"), 70);
  EXPECT_EQ(table->line_of("kernel", 0x30, "candidate.py"), std::nullopt) << "behind the end";
  EXPECT_EQ(table->line_of("other", 0x00, "candidate.py"), std::nullopt);
  EXPECT_EQ(table->line_of("kernel", 0x00, "elsewhere.py"), std::nullopt);
}

TEST(LineTable, DamagedIsSaidAndNothingElseHappens) {
  std::size_t address_at = 0;
  const std::string lines = lines_of(address_at);
  for (std::size_t size = 1; size < lines.size(); ++size)
    EXPECT_FALSE(read_line_table(cubin_of(lines.substr(0, size), address_at))) << size;
  EXPECT_FALSE(read_line_table("no cubin"));
  const auto none = read_line_table(elf_of({{".strtab", std::string(1, '\0')}}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->functions.empty());
}

}  // namespace
}  // namespace kerf
