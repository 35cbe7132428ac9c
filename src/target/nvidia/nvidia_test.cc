// The reader of cubins on one that was written down, occupancy against figures of NVIDIA's calculator, limits of plans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "target/nvidia/cubin.h"
#include "target/nvidia/nvrtc.h"
#include "target/nvidia/occupancy.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

GpuLimits h100() {
  return {.architecture = "sm_90a",
          .sms = 132,
          .threads_per_block = 1024,
          .warps_per_sm = 64,
          .blocks_per_sm = 32,
          .registers_per_sm = 65536,
          .registers_per_thread = 255,
          .shared_per_sm = 233472,
          .shared_per_block = 232448,
          .reserved_shared_bytes = 1024,
          .l2_bytes = 52428800,
          .grid_x = 2147483647,
          .grid_yz = 65535,
          .block_xy = 1024,
          .block_z = 64};
}

// A small ELF file with the sections that the reader looks at.
class CubinText {
 public:
  void add(const std::string& name, std::uint32_t type, const std::string& bytes, std::uint64_t size = 0,
           std::uint32_t link = 0) {
    sections_.push_back({.name = name, .type = type, .bytes = bytes, .size = size ? size : bytes.size(), .link = link});
  }
  [[nodiscard]] std::string build() const {
    std::string names(1, '\0'), body(sizeof(Elf64_Ehdr), '\0');
    std::vector<Elf64_Shdr> headers(1);
    std::vector<Section> all = sections_;
    all.push_back({.name = ".shstrtab", .type = SHT_STRTAB, .bytes = "", .size = 0, .link = 0});
    for (Section& s : all) {
      Elf64_Shdr header{};
      header.sh_name = static_cast<Elf64_Word>(names.size());
      names += s.name + '\0';
      header.sh_type = s.type;
      header.sh_link = s.link;
      header.sh_offset = body.size();
      header.sh_size = s.size;
      if (s.name == ".shstrtab") {
        s.bytes = names;
        header.sh_size = names.size();
      }
      body += s.bytes;
      headers.push_back(header);
    }
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = 190;
    header.e_flags = 0x06005a04;  // as NVRTC 13.0 writes for sm_90a
    header.e_shoff = body.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(headers.size());
    header.e_shstrndx = static_cast<Elf64_Half>(headers.size() - 1);
    std::memcpy(body.data(), &header, sizeof header);
    body.append(reinterpret_cast<const char*>(headers.data()), headers.size() * sizeof(Elf64_Shdr));
    return body;
  }

 private:
  struct Section {
    std::string name;
    std::uint32_t type;
    std::string bytes;
    std::uint64_t size;
    std::uint32_t link;
  };
  std::vector<Section> sections_;
};

std::string bytes_of(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += hex[i] == ' ' ? 1 : 2) {
    if (hex[i] == ' ') continue;
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    if (i + 2 < hex.size() && hex[i + 2] == ' ') ++i;
  }
  return out;
}

// What readelf -x shows of `k(const float*, float*, long long, int, bool, double)` with 100 floats of shared memory and
// __launch_bounds__(256), compiled by NVRTC 13.0.
const std::string info = bytes_of(
    "04370400 82000000 04170c00 00000000 05002000 00f02100 04170c00 00000000 04001c00 00f00500 04170c00 00000000 "
    "03001800 00f01100 04170c00 00000000 02001000 00f02100 04170c00 00000000 01000800 00f02100 04170c00 00000000 "
    "00000000 00f02100 03500000 031bff00 024c0100 035f0101 041c0400 40020000 04050c00 00010000 01000000 01000000 "
    "03192800 040a0800 0e000000 10022800 04360400 08000000");

std::string small_cubin() {
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  CubinText text;
  text.add(".strtab", SHT_STRTAB, std::string("\0k\0", 3));                                              // section 1
  text.add(".symtab", SHT_SYMTAB, std::string(reinterpret_cast<char*>(symbols), sizeof symbols), 0, 1);  // its names
  text.add(".nv.info", 0x70000000, bytes_of("042f0800 01000000 1e000000 04110800 01000000 10000000"));
  text.add(".nv.info.k", 0x70000000, info);
  text.add(".text.k", SHT_PROGBITS, std::string(768, '\0'));
  text.add(".nv.shared.k", SHT_NOBITS, "", 0x590);
  return text.build();
}

TEST(CubinReader, FindsRegistersMemoryAndParameters) {
  const auto cubin = read_cubin(small_cubin());
  ASSERT_TRUE(cubin) << cubin.error().message;
  EXPECT_EQ(cubin->architecture, 90);
  ASSERT_EQ(cubin->kernels.size(), 1);
  const CubinKernel& k = cubin->kernels[0];
  EXPECT_EQ(k.name, "k");
  EXPECT_EQ(k.registers, 30);
  EXPECT_EQ(k.local_bytes, 16);
  EXPECT_EQ(k.shared_bytes, 400);
  EXPECT_EQ(k.code_bytes, 768);
  EXPECT_EQ(k.max_threads, (std::array<int, 3>{256, 1, 1}));
  ASSERT_EQ(k.parameters.size(), 6);
  const std::vector<int> sizes = {8, 8, 8, 4, 1, 8}, offsets = {0, 8, 16, 24, 28, 32};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(k.parameters[i].size, sizes[i]) << i;
    EXPECT_EQ(k.parameters[i].offset, offsets[i]) << i;
  }
}

TEST(CubinReader, RefusesOtherFiles) {
  EXPECT_FALSE(read_cubin(""));
  EXPECT_FALSE(read_cubin("no ELF at all, though long enough to hold a header of sixty-four bytes and more"));
  std::string other = small_cubin();
  other[18] = 62;  // x86-64
  const auto read = read_cubin(other);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("another machine"));
}

RC_GTEST_PROP(CubinReader, SurvivesDamage, ()) {
  std::string bytes = small_cubin();
  const int hits = *rc::gen::inRange(1, 8);
  for (int i = 0; i < hits; ++i) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
  const auto read = read_cubin(bytes);
  RC_ASSERT(read || !read.error().message.empty());
}

TEST(CubinKernelRecord, SurvivesJson) {
  const auto cubin = read_cubin(small_cubin());
  ASSERT_TRUE(cubin);
  const auto again = cubin_kernel_from(to_json(cubin->kernels[0]));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(cubin->kernels[0]));
  EXPECT_FALSE(cubin_kernel_from(nlohmann::json::object()));
}

// Of the occupancy calculator (compute capability 9.0): threads, registers, shared memory -> blocks an SM.
TEST(OccupancyOf, AgreesWithTheCalculator) {
  struct Row {
    int threads, registers;
    std::int64_t shared;
    int blocks;
    const char* limit;
  };
  for (const Row& row : std::vector<Row>{{256, 32, 0, 8, "warps"},
                                         {256, 33, 0, 6, "registers"},
                                         {256, 64, 0, 4, "registers"},
                                         {1024, 64, 0, 1, "registers"},
                                         {1024, 65, 0, 0, "registers"},
                                         {128, 128, 0, 4, "registers"},
                                         {512, 128, 0, 1, "registers"},
                                         {256, 255, 0, 1, "registers"},
                                         {64, 16, 0, 32, "warps"},
                                         {32, 16, 0, 32, "blocks"},
                                         {256, 16, 48 * 1024, 4, "shared memory"},
                                         {256, 16, 227 * 1024, 1, "shared memory"},
                                         {128, 32, 32 * 1024, 6, "shared memory"}}) {
    const Occupancy o = occupancy(h100(), row.threads, row.registers, row.shared);
    EXPECT_EQ(o.blocks, row.blocks) << row.threads << " threads, " << row.registers << " registers, " << row.shared;
    EXPECT_EQ(o.limited_by, row.limit) << row.threads << " threads, " << row.registers << " registers";
  }
}

TEST(OccupancyOf, IsAFractionOfTheWarps) {
  const Occupancy o = occupancy(h100(), 256, 64, 0);
  EXPECT_EQ(o.warps, 32);
  EXPECT_DOUBLE_EQ(o.fraction, 0.5);
}

TEST(OccupancyOf, IsNoneWhereABlockCannotBe) {
  EXPECT_EQ(occupancy(h100(), 2048, 32, 0).blocks, 0);
  EXPECT_EQ(occupancy(h100(), 0, 32, 0).blocks, 0);
  EXPECT_EQ(occupancy(h100(), 256, 256, 0).blocks, 0);
  EXPECT_EQ(occupancy(h100(), 256, 32, 233472).blocks, 0);
}

RC_GTEST_PROP(OccupancyOf, NeverGrowsWithWhatABlockTakes, ()) {
  const int threads = *rc::gen::inRange(1, 1025), registers = *rc::gen::inRange(1, 255);
  const auto shared = *rc::gen::inRange<std::int64_t>(0, 232448);
  const int here = occupancy(h100(), threads, registers, shared).warps;
  RC_ASSERT(here <= 64);
  RC_ASSERT(occupancy(h100(), threads, registers + 1, shared).warps <= here);
  RC_ASSERT(occupancy(h100(), threads, registers, shared + 512).warps <= here);
}

TEST(NvrtcLog, PointsIntoTheCandidate) {
  const auto messages = read_nvrtc_log(
      "candidate(2): error: identifier \"nothing\" is undefined\n    out[0] = nothing + 1;\n             ^\n\n"
      "1 error detected in the compilation of \"candidate\".\n",
      "void k() {\n  out[0] = nothing + 1;\n}\n");
  ASSERT_EQ(messages.size(), 1);
  EXPECT_EQ(messages[0].severity, "error");
  EXPECT_EQ(messages[0].file, "candidate");
  EXPECT_EQ(messages[0].at, (Location{2, 12}));
  EXPECT_EQ(messages[0].text, "identifier \"nothing\" is undefined");
}

TEST(NvrtcLog, WhatNamesNoLineIsNoMessage) {
  for (const char* line : {"-2", "0", "99999999999", ""})
    EXPECT_TRUE(read_nvrtc_log("candidate(" + std::string(line) + "): error: x\n", "").empty()) << line;
}

RC_GTEST_PROP(NvrtcLog, SurvivesAnything, (const std::string& log, const std::string& candidate)) {
  for (const auto& message : read_nvrtc_log(log, candidate)) RC_ASSERT(message.at.column >= 1);
}

TEST(TargetNvidia, DescribesItsGpu) {
  const auto target = parse_target(
      "languages = [\"cuda\"]\n[gpu]\narchitecture = \"sm_80\"\nsms = 108\nthreads_per_block = 1024\nwarps_per_sm = "
      "64\n"
      "blocks_per_sm = 32\nregisters_per_sm = 65536\nregisters_per_thread = 255\nshared_per_sm = 167936\n"
      "shared_per_block = 166912\nreserved_shared_bytes = 1024\nl2_bytes = 41943040\ngrid_x = 2147483647\n"
      "grid_yz = 65535\nblock_xy = 1024\nblock_z = 64\n",
      "a100");
  ASSERT_TRUE(target) << target.error().message;
  ASSERT_TRUE(target->gpu);
  EXPECT_EQ(target->gpu->sms, 108);
  EXPECT_EQ(target->gpu->shared_per_block, 166912);
}

TEST(TargetNvidia, NamesWhatIsMissing) {
  const auto target = parse_target("languages = [\"cuda\"]\n[gpu]\narchitecture = \"sm_80\"\nsms = 108\n", "a100");
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("threads_per_block"));
}

}  // namespace
}  // namespace kerf
