#include "evaluate/profile/torch_trace.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

namespace kerf {
namespace {

using json = nlohmann::json;

constexpr int deepest = 100;  // of nested values; a trace has five levels

struct Stretch {
  double begin, end;
};

bool waits_for_device(std::string_view call) {
  constexpr std::array names{
      "cudaDeviceSynchronize", "cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy",
      "cuStreamSynchronize",   "cuCtxSynchronize",      "hipDeviceSynchronize", "hipStreamSynchronize",
      "hipEventSynchronize"};
  return std::ranges::find(names, call) != names.end();
}

// Of what begins, when it ends; overlapping ones count once.
void add_up(std::vector<Stretch> stretches, TorchTrace& trace) {
  if (stretches.empty()) return;
  std::ranges::sort(stretches, {}, &Stretch::begin);
  double end = stretches.front().begin;
  for (const Stretch& s : stretches) {
    trace.longest_gap_us = std::max(trace.longest_gap_us, s.begin - end);
    trace.busy_us += std::max(0.0, s.end - std::max(s.begin, end));
    end = std::max(end, s.end);
  }
  trace.span_us = end - stretches.front().begin;
}

// Of one thread, what each stretch takes without those within it.
struct HostOp {
  double begin, end;
  std::string name;
};
void add_up(std::vector<HostOp> ops, std::map<std::string, TorchTrace::Operator>& operators) {
  std::ranges::stable_sort(
      ops, [](const HostOp& a, const HostOp& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
  std::vector<const HostOp*> open;
  for (const HostOp& op : ops) {
    while (!open.empty() && open.back()->end <= op.begin) open.pop_back();
    auto& mine = operators[op.name];
    mine.name = op.name;
    ++mine.calls;
    mine.us += op.end - op.begin;
    if (!open.empty()) operators[open.back()->name].us -= std::min(op.end, open.back()->end) - op.begin;
    open.push_back(&op);
  }
}

// "## Call CompiledFxGraph fjzhueq6xrgb… ##": whose code it is says a digest.
std::string operator_name(const std::string& name) {
  return name.starts_with("## Call CompiledFxGraph ") ? std::string(compiled_graph) : name;
}

Result<TorchTrace> read(const json& all) {
  const json& events = all.is_array() ? all : all.at("traceEvents");
  TorchTrace trace;
  std::map<std::string, TorchTrace::Kernel> kernels;
  std::map<std::string, TorchTrace::Wait> waits;
  std::map<std::string, std::vector<HostOp>> host_ops;  // by thread
  std::map<std::string, TorchTrace::Operator> operators;
  std::vector<Stretch> device;
  Stretch host{INFINITY, -INFINITY};
  for (const json& event : events) {
    if (!event.is_object() || event.value("ph", "") != "X") continue;
    const auto category = event.value("cat", std::string());
    const std::string name = event.at("name").get<std::string>();
    const double begin = event.at("ts").get<double>(), took = event.at("dur").get<double>();
    if (!std::isfinite(begin) || !std::isfinite(took) || took < 0)
      return user_error(
          fmt::format("the trace has an event that takes no time that there is: {}", name.substr(0, 100)));
    if (category == "kernel") {
      auto& kernel = kernels[name];
      kernel.name = name;
      ++kernel.launches;
      ++trace.launches;
      kernel.us += took;
      device.push_back({begin, begin + took});
    } else if (category == "gpu_memcpy" || category == "gpu_memset") {
      ++trace.copies;
      trace.copies_us += took;
      device.push_back({begin, begin + took});
    } else if ((category == "cuda_runtime" || category == "cuda_driver") && waits_for_device(name)) {
      auto& wait = waits[name];
      wait.call = name;
      ++wait.times;
      wait.us += took;
    } else if (category == "cpu_op") {
      host = {std::min(host.begin, begin), std::max(host.end, begin + took)};
      const auto thread = event.find("tid");
      host_ops[thread == event.end() ? "" : thread->dump()].push_back({begin, begin + took, operator_name(name)});
    }
  }
  for (auto& [name, kernel] : kernels) trace.kernels.push_back(std::move(kernel));
  for (auto& [name, wait] : waits) trace.waits.push_back(std::move(wait));
  std::ranges::stable_sort(trace.kernels, std::greater(), &TorchTrace::Kernel::us);
  std::ranges::stable_sort(trace.waits, std::greater(), &TorchTrace::Wait::us);
  for (auto& [thread, ops] : host_ops) add_up(std::move(ops), operators);
  for (auto& [name, op] : operators) trace.operators.push_back(std::move(op));
  std::ranges::stable_sort(trace.operators, std::greater(), &TorchTrace::Operator::us);
  add_up(std::move(device), trace);
  if (host.end >= host.begin) trace.host_us = host.end - host.begin;
  return trace;
}

}  // namespace

void shorten(TorchTrace& trace, std::size_t most) {
  const auto cut = [most](auto& all) {
    if (all.size() > most) all.erase(all.begin() + static_cast<std::ptrdiff_t>(most), all.end());
  };
  cut(trace.kernels);
  cut(trace.operators);
  cut(trace.waits);
}

Result<TorchTrace> read_torch_trace(std::string_view text) {
  // Deep nesting would overflow the stack when the value is destroyed.
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= deepest; };
  try {
    return read(json::parse(text, shallow));
  } catch (const json::exception& error) {
    return user_error(std::string("this is no trace of PyTorch's profiler: ") + error.what());
  }
}

Result<std::string> unpacked(std::string_view bytes, std::size_t most) {
  if (bytes.size() < 2 || bytes.substr(0, 2) != "\x1f\x8b") return std::string(bytes);
  z_stream stream{};
  constexpr int gzip_only = 16 + MAX_WBITS;
  if (::inflateInit2(&stream, gzip_only) != Z_OK) return fail(ErrorKind::system, "zlib does not start");
  const std::unique_ptr<z_stream, decltype([](z_stream* s) { ::inflateEnd(s); })> end(&stream);
  std::string in(bytes), out;
  std::string room(std::size_t{1} << 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    out.append(room, 0, room.size() - stream.avail_out);
    if (out.size() > most) return user_error(fmt::format("it unpacks to more than {} MiB", most >> 20));
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      if (::inflateReset(&stream) != Z_OK) return user_error("damaged: what follows its end is no gzip");
    } else if (code != Z_OK) {
      return user_error("damaged: it cannot be unpacked");
    } else if (stream.avail_in == 0 && stream.avail_out > 0) {
      return user_error("damaged: it ends too early");
    }
  }
}

}  // namespace kerf
