#include "target/nvidia/line_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "target/nvidia/cubin_sections.h"

namespace kerf {

using elf::header_of;
using elf::malformed;
using elf::Section;
using elf::sections_of;
using elf::text_at;
using elf::value_at;

namespace {

constexpr std::size_t max_rows = 1 << 20, max_files = 1 << 12;

// Standard and extended opcodes of DWARF's line programs.
enum class Op : std::uint8_t {
  copy = 1,
  advance_address = 2,
  advance_line = 3,
  set_file = 4,
  set_column = 5,
  negate_statement = 6,
  basic_block = 7,
  const_add_address = 8,
  fixed_advance = 9,
};
enum class Extended : std::uint8_t {
  end_sequence = 1,
  set_address = 2,
  define_file = 3,
  inlined_call = 0x90,  // NVIDIA's: the row that it was called at, and the name of what was called
};

// Reads onwards; what lies behind the end is zero, and `cut` afterwards.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}
  template <class T>
  T take() {
    const auto value = value_at<T>(bytes_, at_);
    cut_ = cut_ || !value;
    at_ = cut_ ? bytes_.size() : at_ + sizeof(T);
    return value.value_or(T{});
  }
  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = take<std::uint8_t>();
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
      if ((byte & 0x80u) == 0) return value;
    }
  }
  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = take<std::uint8_t>();
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
      shift += 7;
      if ((byte & 0x80u) != 0) continue;
      if (shift < 64 && (byte & 0x40u) != 0) value |= ~std::uint64_t{0} << shift;
      return static_cast<std::int64_t>(value);
    }
  }
  std::string text() {
    const std::string found(text_at(bytes_, at_));
    cut_ = cut_ || at_ + found.size() >= bytes_.size();
    at_ = std::min(bytes_.size(), at_ + found.size() + 1);
    return found;
  }
  void go_to(std::size_t at) {
    cut_ = cut_ || at > bytes_.size();
    at_ = std::min(at, bytes_.size());
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool cut() const { return cut_; }

 private:
  std::string_view bytes_;
  std::size_t at_;
  bool cut_ = false;
};

std::string without_folders(const std::string& path) { return path.substr(path.rfind('/') + 1); }

struct Unit {
  std::size_t end = 0;
  std::uint64_t step = 1;  // of addresses
  int line_base = 0;
  std::uint64_t line_range = 1;
  std::uint8_t opcode_base = 1;
  std::array<std::uint8_t, 256> operands{};  // of standard opcodes
  std::vector<std::string> files;            // from 1
};

Result<Unit> read_header(Cursor& in, std::size_t size) {
  Unit unit;
  const std::uint64_t length = in.take<std::uint32_t>();
  unit.end = in.at() + length;
  const auto version = in.take<std::uint16_t>();
  if (length >= 0xfffffff0 || unit.end > size || version < 2 || version > 4) return malformed("its lines");
  const std::uint64_t header = in.take<std::uint32_t>();
  const std::size_t program = in.at() + header;
  unit.step = in.take<std::uint8_t>();
  if (version >= 4) in.take<std::uint8_t>();  // operations an instruction
  in.take<std::uint8_t>();                    // whether rows are statements at first
  constexpr int half = 128;                   // signed
  unit.line_base = (in.take<std::uint8_t>() ^ half) - half;
  unit.line_range = in.take<std::uint8_t>();
  unit.opcode_base = in.take<std::uint8_t>();
  if (unit.line_range == 0 || unit.opcode_base == 0) return malformed("its lines");
  for (std::size_t i = 1; i < unit.opcode_base; ++i) unit.operands.at(i) = in.take<std::uint8_t>();
  while (!in.cut() && !in.text().empty()) {
  }  // folders
  unit.files.emplace_back();
  while (!in.cut() && unit.files.size() < max_files) {
    const std::string name = in.text();
    if (name.empty()) break;
    unit.files.push_back(without_folders(name));
    for (int i = 0; i < 3; ++i) in.uleb();  // folder, time, size
  }
  if (in.cut() || program > unit.end) return malformed("the header of its lines");
  in.go_to(program);
  return unit;
}

// From a place in .debug_line where an address stands to the function that it is one of.
using Functions = std::map<std::size_t, std::string>;

class Program {
 public:
  Program(Unit unit, const Functions& functions, LineTable& into)
      : unit_(std::move(unit)), functions_(functions), into_(into) {}

  Result<> run(Cursor& in) {
    while (in.at() < unit_.end && !in.cut()) {
      const auto opcode = in.take<std::uint8_t>();
      if (opcode >= unit_.opcode_base) {
        const std::uint64_t special = opcode - unit_.opcode_base;
        row_.address += special / unit_.line_range * unit_.step;
        row_.line += unit_.line_base + static_cast<int>(special % unit_.line_range);
        add();
      } else if (opcode == 0) {
        extended(in);
      } else {
        standard(in, opcode);
      }
      if (rows_.size() > max_rows) return malformed("more lines than code");
    }
    if (in.cut()) return malformed("its lines are cut");
    return {};
  }

 private:
  void add() {
    row_.file = file_ < unit_.files.size() ? unit_.files[file_] : std::string();
    rows_.push_back(row_);
  }

  void standard(Cursor& in, std::uint8_t opcode) {
    switch (static_cast<Op>(opcode)) {
      case Op::copy:
        add();
        return;
      case Op::advance_address:
        row_.address += in.uleb() * unit_.step;
        return;
      case Op::advance_line:
        row_.line = static_cast<int>(static_cast<std::uint32_t>(row_.line) + static_cast<std::uint32_t>(in.sleb()));
        return;
      case Op::set_file:
        file_ = in.uleb();
        return;
      case Op::const_add_address:
        row_.address += (255u - unit_.opcode_base) / unit_.line_range * unit_.step;
        return;
      case Op::fixed_advance:
        row_.address += in.take<std::uint16_t>();
        return;
      case Op::set_column:
      case Op::negate_statement:
      case Op::basic_block:
        break;
    }
    for (std::size_t i = 0; i < unit_.operands.at(opcode); ++i) in.uleb();
  }

  void extended(Cursor& in) {
    const std::uint64_t size = in.uleb();
    const std::size_t begin = in.at();
    switch (static_cast<Extended>(in.take<std::uint8_t>())) {
      case Extended::end_sequence:
        row_.end = true;
        add();
        if (!function_.empty()) {
          auto& rows = into_.functions[function_];
          if (rows.empty()) rows = std::move(rows_);
        }
        rows_.clear();
        row_ = {.address = 0, .file = {}, .line = 1};
        file_ = 1;
        function_.clear();
        break;
      case Extended::set_address: {
        const auto found = functions_.find(in.at());
        function_ = found == functions_.end() ? std::string() : found->second;
        row_.address = in.take<std::uint64_t>();
        break;
      }
      case Extended::inlined_call:
        row_.caller = in.uleb();
        break;
      case Extended::define_file:
        break;
    }
    in.go_to(begin + std::min<std::uint64_t>(size, unit_.end));
  }

  Unit unit_;
  const Functions& functions_;
  LineTable& into_;
  LineTable::Row row_{.address = 0, .file = {}, .line = 1};
  std::uint64_t file_ = 1;
  std::string function_;
  std::vector<LineTable::Row> rows_;
};

// Relocations say which function an address of the section is one of.
Functions functions_of(const std::vector<Section>& sections) {
  Functions functions;
  const auto symbols = std::ranges::find(sections, SHT_SYMTAB, [](const Section& s) { return s.header.sh_type; });
  if (symbols == sections.end() || symbols->header.sh_link >= sections.size()) return functions;
  const std::string_view names = sections[symbols->header.sh_link].bytes;
  for (const Section& section : sections) {
    const bool with_addend = section.name == ".rela.debug_line";
    if (!with_addend && section.name != ".rel.debug_line") continue;
    const std::size_t entry = with_addend ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
    for (std::size_t at = 0; const auto relocation = value_at<Elf64_Rel>(section.bytes, at); at += entry) {
      const auto symbol = value_at<Elf64_Sym>(symbols->bytes, ELF64_R_SYM(relocation->r_info) * sizeof(Elf64_Sym));
      if (!symbol || symbol->st_shndx >= sections.size()) continue;
      // Named by the section that it has to itself: a symbol may be the section's own, without a name.
      constexpr std::string_view code = ".text.";
      const std::string_view home = sections[symbol->st_shndx].name;
      functions[relocation->r_offset] =
          std::string(home.starts_with(code) ? home.substr(code.size()) : text_at(names, symbol->st_name));
    }
  }
  return functions;
}

}  // namespace

std::optional<int> LineTable::line_of(std::string_view function, std::uint64_t offset, std::string_view file) const {
  const auto found = functions.find(function);
  if (found == functions.end()) return std::nullopt;
  const std::vector<Row>& rows = found->second;
  // The last of those that begin there or before.
  const Row* row = nullptr;
  for (const Row& each : rows)
    if (each.address <= offset && (row == nullptr || each.address >= row->address)) row = &each;
  if (row == nullptr || row->end) return std::nullopt;
  constexpr int deepest = 64;
  for (int depth = 0; depth < deepest; ++depth) {
    if (row->file == file && row->line > 0) return row->line;
    if (row->caller == 0 || row->caller > rows.size()) return std::nullopt;
    row = &rows[row->caller - 1];
  }
  return std::nullopt;
}

Result<LineTable> read_line_table(std::string_view cubin) {
  const Elf64_Ehdr header = TRY(header_of(cubin));
  const std::vector<Section> sections = TRY(sections_of(cubin, header));
  LineTable table;
  const auto lines = std::ranges::find(sections, ".debug_line", &Section::name);
  if (lines == sections.end()) return table;
  const Functions functions = functions_of(sections);
  Cursor in(lines->bytes);
  while (in.at() < lines->bytes.size() && !in.cut()) {
    Unit unit = TRY(read_header(in, lines->bytes.size()));
    const std::size_t end = unit.end;
    TRY(Program(std::move(unit), functions, table).run(in));
    in.go_to(end);
  }
  return table;
}

}  // namespace kerf
