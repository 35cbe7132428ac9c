#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/hash.h"
#include "target/cpu/inspect.h"

namespace kerf {

namespace {

constexpr std::size_t max_names = 4096;

// Bounds-checked reading of structures out of bytes that nobody vouches for.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::optional<std::string_view> piece(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    return bytes_.substr(offset, size);
  }
  std::string text(std::uint64_t table, std::uint64_t size, std::uint64_t index) const {
    if (index >= size || table > bytes_.size() || bytes_.size() - table < size) return {};
    const std::string_view rest = bytes_.substr(table + index, std::min<std::uint64_t>(size - index, 512));
    return std::string(rest.substr(0, rest.find('\0')));
  }

 private:
  std::string_view bytes_;
};

std::unexpected<Error> malformed(const char* what) {
  return std::unexpected(
      Error{.kind = ErrorKind::candidate,
            .message = std::string("the compiled candidate is not an object that can be loaded (") + what + ")",
            .facts = {{"verdict", "rejected"}, {"rule", "malformed_object"}}});
}

class ObjectReader {
 public:
  explicit ObjectReader(std::string_view bytes) : reader_(bytes) {}

  Result<ObjectFile> read() {
    TRY(read_tables());
    object_.executable_stack = object_.executable_stack || !stack_named_;
    for (const Elf64_Shdr& section : sections_) read_section(section);
    return std::move(object_);
  }

  Result<std::string> code() {
    TRY(read_tables());
    Digest digest;
    for (const Elf64_Shdr& section : sections_) {
      if ((section.sh_flags & SHF_ALLOC) == 0) continue;
      if (section.sh_type == SHT_RELA) add_relocations(section, digest);
      if (section.sh_type != SHT_PROGBITS && section.sh_type != SHT_NOBITS) continue;
      if (name_of(section).starts_with(".eh_frame")) continue;
      digest.add(static_cast<std::int64_t>(section.sh_flags)).add(static_cast<std::int64_t>(section.sh_size));
      if (section.sh_type == SHT_NOBITS) continue;
      const auto content = reader_.piece(section.sh_offset, section.sh_size);
      if (!content) return malformed("a section that lies outside");
      digest.add(*content);
    }
    return digest.hex();
  }

 private:
  Result<> read_tables() {
    const auto header = reader_.at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return malformed("no ELF header");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_type != ET_DYN) {
      return malformed("not a 64-bit shared object");
    }
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_phentsize != sizeof(Elf64_Phdr))
      return malformed("odd tables");
    for (unsigned i = 0; i < header->e_shnum; ++i) {
      const auto section = reader_.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
      if (!section) return malformed("a cut section table");
      sections_.push_back(*section);
    }
    for (unsigned i = 0; i < header->e_phnum; ++i) {
      const auto segment = reader_.at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
      if (!segment) return malformed("a cut segment table");
      stack_named_ = stack_named_ || segment->p_type == PT_GNU_STACK;
      read_segment(*segment);
    }
    return {};
  }

  [[nodiscard]] std::string name_of(const Elf64_Shdr& section) const {
    const auto header = reader_.at<Elf64_Ehdr>(0);
    if (!header || header->e_shstrndx >= sections_.size()) return {};
    const Elf64_Shdr& names = sections_[header->e_shstrndx];
    return reader_.text(names.sh_offset, names.sh_size, section.sh_name);
  }

  // Where what is filled in, by which rule: an address within the object, or that of a named symbol.
  void add_relocations(const Elf64_Shdr& section, Digest& digest) const {
    for (std::uint64_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Rela)) {
      const auto entry = reader_.at<Elf64_Rela>(section.sh_offset + offset);
      if (!entry) return;
      digest.add(static_cast<std::int64_t>(entry->r_offset))
          .add(static_cast<std::int64_t>(ELF64_R_TYPE(entry->r_info)))
          .add(entry->r_addend);
      if (ELF64_R_SYM(entry->r_info) == 0 || section.sh_link >= sections_.size()) continue;
      const Elf64_Shdr& table = sections_[section.sh_link];
      const auto symbol = reader_.at<Elf64_Sym>(table.sh_offset + ELF64_R_SYM(entry->r_info) * sizeof(Elf64_Sym));
      if (!symbol || table.sh_link >= sections_.size()) continue;
      const Elf64_Shdr& names = sections_[table.sh_link];
      digest.add(static_cast<std::int64_t>(symbol->st_value))
          .add(reader_.text(names.sh_offset, names.sh_size, symbol->st_name));
    }
  }

  void read_segment(const Elf64_Phdr& segment) {
    if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X) != 0) object_.executable_stack = true;
    if (segment.p_type == PT_TLS) object_.thread_local_data = true;
    if (segment.p_type == PT_LOAD) {
      object_.load_bytes += static_cast<std::int64_t>(std::min<std::uint64_t>(segment.p_memsz, std::uint64_t{1} << 48));
      if ((segment.p_flags & PF_X) != 0 && (segment.p_flags & PF_W) != 0) object_.writable_code = true;
    }
    if (segment.p_type == PT_DYNAMIC) read_dynamic(segment);
  }

  void read_dynamic(const Elf64_Phdr& segment) {
    for (std::uint64_t offset = 0; offset < segment.p_filesz; offset += sizeof(Elf64_Dyn)) {
      const auto entry = reader_.at<Elf64_Dyn>(segment.p_offset + offset);
      if (!entry || entry->d_tag == DT_NULL) break;
      switch (entry->d_tag) {
        case DT_INIT:
        case DT_FINI:
        case DT_INIT_ARRAY:
        case DT_FINI_ARRAY:
        case DT_PREINIT_ARRAY:
          object_.constructors = true;
          break;
        case DT_TEXTREL:
          object_.writable_code = true;
          break;
        default:
          break;
      }
    }
  }

  void read_section(const Elf64_Shdr& section) {
    const bool loaded = (section.sh_flags & SHF_ALLOC) != 0;
    const auto size = static_cast<std::int64_t>(std::min<std::uint64_t>(section.sh_size, std::uint64_t{1} << 48));
    if (loaded && (section.sh_flags & SHF_EXECINSTR) != 0) object_.code_bytes += size;
    if (is_state(section)) object_.writable_bytes += size;
    if (section.sh_type == SHT_INIT_ARRAY || section.sh_type == SHT_FINI_ARRAY || section.sh_type == SHT_PREINIT_ARRAY)
      object_.constructors = true;
    if (section.sh_type == SHT_RELA) read_relocations(section);
    if (section.sh_type == SHT_DYNSYM || section.sh_type == SHT_SYMTAB) read_symbols(section);
  }

  // .data and .bss and their like: not what the dynamic linker itself writes and then protects.
  [[nodiscard]] bool is_state(const Elf64_Shdr& section) const {
    if ((section.sh_flags & (SHF_ALLOC | SHF_WRITE)) != (SHF_ALLOC | SHF_WRITE)) return false;
    if (section.sh_type != SHT_PROGBITS && section.sh_type != SHT_NOBITS) return false;
    const std::string name = name_of(section);
    return name != ".got" && name != ".got.plt" && !name.starts_with(".data.rel.ro");
  }

  void read_relocations(const Elf64_Shdr& section) {
    for (std::uint64_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Rela)) {
      const auto entry = reader_.at<Elf64_Rela>(section.sh_offset + offset);
      if (!entry) break;
      const auto type = ELF64_R_TYPE(entry->r_info);
      if (type == R_X86_64_IRELATIVE || type == R_AARCH64_IRELATIVE) object_.indirect_relocations = true;
    }
  }

  void read_symbols(const Elf64_Shdr& table) {
    if (table.sh_link >= sections_.size()) return;
    const Elf64_Shdr& names = sections_[table.sh_link];
    for (std::uint64_t offset = sizeof(Elf64_Sym); offset < table.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = reader_.at<Elf64_Sym>(table.sh_offset + offset);
      if (!symbol) break;
      const std::string name = reader_.text(names.sh_offset, names.sh_size, symbol->st_name);
      const auto type = ELF64_ST_TYPE(symbol->st_info);
      if (type == STT_GNU_IFUNC) add(object_.indirect, name);
      if (table.sh_type == SHT_DYNSYM && symbol->st_shndx == SHN_UNDEF && !name.empty()) add(object_.undefined, name);
      if (table.sh_type == SHT_SYMTAB && type == STT_OBJECT && symbol->st_shndx < sections_.size() &&
          is_state(sections_[symbol->st_shndx]) && object_.writable.size() < max_names) {
        object_.writable.emplace_back(name, static_cast<std::int64_t>(symbol->st_size));
      }
    }
  }

  static void add(std::vector<std::string>& names, const std::string& name) {
    if (names.size() < max_names && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }

  Reader reader_;
  std::vector<Elf64_Shdr> sections_;
  ObjectFile object_;
  bool stack_named_ = false;
};

}  // namespace

Result<ObjectFile> read_object(std::string_view bytes) { return ObjectReader(bytes).read(); }
Result<std::string> code_of_object(std::string_view bytes) { return ObjectReader(bytes).code(); }

}  // namespace kerf
