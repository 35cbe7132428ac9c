#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "synthesize/prompt/fence.h"
#include "synthesize/prompt/parts.h"

namespace kerf {
namespace {

using json = nlohmann::json;

// Facts come from a descriptor that users may write: what is missing or of another type is left out.
const json* member(const json& from, const char* name) {
  const auto it = from.is_object() ? from.find(name) : from.end();
  return from.is_object() && it != from.end() && !it->is_null() ? &*it : nullptr;
}
std::optional<double> number(const json& from, const char* name) {
  const json* value = member(from, name);
  return value != nullptr && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}
std::string text(const json& from, const char* name) {
  const json* value = member(from, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::string bytes(double n) {
  if (n >= 1 << 30) return fmt::format("{:.4g} GiB", n / (1 << 30));
  if (n >= 1 << 20) return fmt::format("{:.4g} MiB", n / (1 << 20));
  if (n >= 1 << 10) return fmt::format("{:.4g} KiB", n / (1 << 10));
  return fmt::format("{:.0f} bytes", n);
}

class TargetPart final : public PromptPart {
 public:
  std::string_view name() const override { return "target"; }
  PromptPlace place() const override { return PromptPlace::session; }
  int priority() const override { return 60; }
  int steps(const SynthesisRequest&) const override { return 1; }  // without the advice
  std::string missing(const SynthesisRequest&, int) const override { return "the target's general advice"; }

  std::string write(const SynthesisRequest& request, int step) const override {
    const json& target = request.target;
    if (!target.is_object()) return {};
    std::string out = "# The machine\n";
    out += fmt::format("Target {}", quote(text(target, "name"), 60));
    if (const std::string d = text(target, "description"); !d.empty()) out += fmt::format(": {}", quote(d));
    out += ".\n";
    const json* gpu = member(target, "gpu");
    if (gpu != nullptr) {
      write_gpu(*gpu, member(target, "gpu_at_hand"), out);
      write_advice(target, step, out);
      return out;
    }
    static const json none;
    const json* machine = member(target, "machine");
    write_machine(machine != nullptr ? *machine : none, out);
    if (const auto n = number(target, "threads")) out += fmt::format("- threads that work a launch off: {:.0f}\n", *n);
    if (const auto n = number(target, "vector_bytes"))
      out += fmt::format("- vectors of the prelude: at most {:.0f} bytes, {:.0f} floats (vlen of them)\n", *n, *n / 4);
    if (const auto n = number(target, "alignment")) out += fmt::format("- tensors are aligned to {:.0f} bytes\n", *n);
    if (const auto n = number(target, "stack_bytes")) out += fmt::format("- stack of a task: {}\n", bytes(*n));
    const json* calibration = member(target, "calibration");
    if (calibration == nullptr)
      out += "- bandwidth and arithmetic were not measured on this machine\n";
    else
      write_calibration(*calibration, out);
    write_advice(target, step, out);
    return out;
  }

 private:
  static void write_advice(const json& target, int step, std::string& out) {
    const json* advice = member(target, "advice");
    if (step == 0 && advice != nullptr && advice->is_array() && !advice->empty()) {
      out += "What is worth knowing about it:\n";
      for (const json& line : *advice)
        if (line.is_string()) out += fmt::format("- {}\n", quote(line.get<std::string>(), 500));
    }
  }

  // `at_hand`: the device that candidates run on, as its driver describes it; null without one.
  static void write_gpu(const json& gpu, const json* at_hand, std::string& out) {
    if (at_hand != nullptr && !text(*at_hand, "name").empty())
      out += fmt::format("- at hand: {}\n", quote(text(*at_hand, "name"), 100));
    else
      out +=
          "- no GPU is at hand: candidates are compiled for it and judged right or wrong in an emulation, without "
          "times\n";
    if (const std::string a = text(gpu, "architecture"); !a.empty())
      out += fmt::format("- compiled for {}\n", quote(a, 20));
    const auto line = [&](const char* key, const char* what, bool in_bytes) {
      if (const auto n = number(gpu, key))
        out += fmt::format("- {}: {}\n", what, in_bytes ? bytes(*n) : fmt::format("{:.0f}", *n));
    };
    line("sms", "SMs", false);
    line("warps_per_sm", "warps that an SM holds", false);
    line("registers_per_sm", "32-bit registers of an SM", false);
    line("shared_per_sm", "shared memory of an SM", true);
    line("shared_per_block", "shared memory that a block may have", true);
    line("l2_bytes", "L2 cache", true);
    if (at_hand == nullptr) return;
    const auto clock = number(*at_hand, "memory_clock_khz"), bus = number(*at_hand, "bus_bits");
    if (clock && bus && *clock > 0 && *bus > 0)
      out += fmt::format("- bandwidth of memory, at most: {:.4g} GB/s\n", 2 * *clock * 1e3 * *bus / 8 * 1e-9);
  }

  static void write_machine(const json& machine, std::string& out) {
    if (const std::string model = text(machine, "model"); !model.empty())
      out += fmt::format("- processor: {} ({})\n", quote(model, 100), text(machine, "architecture"));
    if (const auto n = number(machine, "cores")) out += fmt::format("- cores: {:.0f}\n", *n);
    if (const json* isa = member(machine, "isa"); isa != nullptr && isa->is_array()) {
      std::string names;
      for (const json& name : *isa)
        if (name.is_string()) names += (names.empty() ? "" : " ") + name.get<std::string>();
      if (!names.empty()) out += fmt::format("- instruction sets: {}\n", quote(names));
    }
    if (const json* caches = member(machine, "caches"); caches != nullptr && caches->is_array()) {
      for (const json& cache : *caches) {
        const auto level = number(cache, "level"), size = number(cache, "bytes"), shared = number(cache, "shared_by");
        if (!level || !size) continue;
        out += fmt::format("- L{:.0f} cache: {}", *level, bytes(*size));
        if (shared && *shared > 1) out += fmt::format(", shared by {:.0f} logical processors", *shared);
        out += "\n";
      }
    }
    if (const auto n = number(machine, "memory_bytes"); n && *n > 0) out += fmt::format("- memory: {}\n", bytes(*n));
  }

  static void write_calibration(const json& calibration, std::string& out) {
    const auto best = [](const json& from, const char* name) {
      const json* rate = member(from, name);
      return rate != nullptr ? number(*rate, "best") : std::nullopt;
    };
    if (const json* levels = member(calibration, "levels"); levels != nullptr && levels->is_array()) {
      for (const json& level : *levels) {
        const auto read = best(level, "read"), written = best(level, "write"), copy = best(level, "copy");
        if (!read) continue;
        out += fmt::format("- measured bandwidth from {}, all threads: {:.4g} GB/s read", text(level, "level"), *read);
        if (written) out += fmt::format(", {:.4g} GB/s written", *written);
        if (copy) out += fmt::format(", {:.4g} GB/s copied (both directions added)", *copy);
        if (const auto stream = best(level, "stream_write"); stream && *stream > 0)
          out += fmt::format(", {:.4g} GB/s written past the caches", *stream);
        out += "\n";
      }
    }
    if (const auto all = best(calibration, "f32_all"))
      out += fmt::format("- measured arithmetic, all threads: {:.4g} GFLOP/s in f32\n", *all);
    if (const auto barrier = number(calibration, "barrier_us"))
      out += fmt::format("- a launch costs at least {:.3g} us (all threads meet)\n", *barrier);
  }
};

}  // namespace

std::unique_ptr<PromptPart> make_target_part() { return std::make_unique<TargetPart>(); }

}  // namespace kerf
