// How a region is worked off: which loops run in parallel, what is tiled, how often memory is passed over.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/ir.h"

namespace kerf {

// How loops are arranged.
enum class Sketch : std::uint8_t {
  flat,       // no reduction: tasks are blocks of elements
  rows,       // a task works whole rows off; the innermost axis is reduced (or there is none)
  columns,    // the innermost axis is kept: a task works a block of columns off, accumulators in an array
  split,      // few rows: each is cut into chunks, one launch a wave, partial results between them
  product,    // triton: a product of matrices (products.h) by tiles of results, on tensor cores
  attention,  // triton: an attention (attention.h) by tiles of rows, its scores never in memory
};
[[nodiscard]] const char* to_string(Sketch sketch);

// What tensor cores multiply. Parts are cut off, not rounded, and products of parts are summed from the smallest on:
// the sum is as near to the true one as a sum of f32 products, for all finite values.
enum class Factors : std::uint8_t {
  coarse,              // TF32, where the region allows it (Instruction::coarse)
  two_parts,           // of TF32: three products
  three_parts,         // of bf16, which are the number exactly: six products
  three_parts_before,  // the same, cut by a launch of its own for all tiles
};
[[nodiscard]] const char* to_string(Factors factors);

// Schedules are data; emitters ignore what a target has no use for. What the fields mean on a GPU: gpu_schedule.h,
// triton_schedule.h.
struct Schedule {
  Sketch sketch = Sketch::flat;
  std::vector<std::int64_t> block = {4096};  // elements a task works off; several: a tune axis of the candidate
  std::int64_t unroll = 2;                   // vectors a round of a loop without reduction
  std::int64_t accumulators = 4;             // independent partial results of a reduction
  std::int64_t chunk = 1024;                 // elements that are summed in f32 before they go into f64
  bool streaming = false;                    // stores go around the caches
  bool joint = false;                        // reductions that need one another share a pass (see passes.h)
  bool keep = false;   // what a pass computed at a cost is kept for later ones, not computed again
  bool ahead = false;  // the next row is fetched while the later passes over this one run
  // GPUs only.
  std::int64_t width = 1;     // elements that a thread loads at once
  std::int64_t lanes = 1;     // threads that share a row or a column
  std::int64_t resident = 0;  // blocks that work off a whole launch; 0: as many as there is work
  bool hold = false;          // a row stays in registers between passes
  bool overlap = false;       // rows cut up: a pass over one runs while the pass before is at the next
  bool across = false;        // flat: a block's elements run on over the ends of rows
  std::int64_t stages = 0;    // triton: rounds of a loop whose loads are under way; 0: none ahead
  // Products: rows and columns of a tile of results, and what is summed in a round. Attention: rows and columns of a
  // tile of scores.
  std::array<std::int64_t, 3> tile = {0, 0, 0};
  std::int64_t swizzle = 1;  // rows of tiles that are worked off column by column, so that L2 holds what they share
  std::int64_t pieces = 1;   // what is summed is cut up between as many programs, and joined by a launch of its own
  Factors factors = Factors::two_parts;
  // Rows are columns: of the transposed product. Scans from the end: tiles are read from their end on, and scanned
  // forward.
  bool turned = false;
  friend bool operator==(const Schedule&, const Schedule&) = default;
};
[[nodiscard]] nlohmann::json to_json(const Schedule& schedule);
[[nodiscard]] Result<Schedule> schedule_from_json(const nlohmann::json& json);

// What a default schedule is chosen by.
struct CacheFacts {
  Language language = Language::cpp;  // that is written
  std::int64_t sms = 132;             // GPUs
  std::int64_t threads = 2;
  std::int64_t l1_bytes = 32 << 10;
  std::int64_t l2_bytes = 1 << 20;
  std::int64_t l3_bytes = 32 << 20;
};
// From a request's target: {"gpu": {"sms", "l2_bytes"}}, or {"threads", "machine": {"cores", "caches": [{"level",
// "bytes"}]}}. What it does not say keeps its default.
[[nodiscard]] CacheFacts machine_facts(const nlohmann::json& target, Language language = Language::cpp);
// Whether there is a sketch for products of matrices; elsewhere they are the library's.
[[nodiscard]] constexpr bool generates_products(Language language) { return language == Language::triton; }
[[nodiscard]] Schedule default_schedule(const Region& region, const CacheFacts& machine);
// Why this schedule cannot run this region; empty if it can.
[[nodiscard]] std::string illegal(const Region& region, const Schedule& schedule, Language language = Language::cpp);
// Bytes of what a row of all loads holds.
[[nodiscard]] std::int64_t bytes_in_a_row(const Region& region);

}  // namespace kerf
