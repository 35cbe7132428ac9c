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

using nlohmann::json;

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

Result<TorchTrace> read(const json& all) {
  const json& events = all.is_array() ? all : all.at("traceEvents");
  TorchTrace trace;
  std::map<std::string, TorchTrace::Kernel> kernels;
  std::map<std::string, TorchTrace::Wait> waits;
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
    }
  }
  for (auto& [name, kernel] : kernels) trace.kernels.push_back(std::move(kernel));
  for (auto& [name, wait] : waits) trace.waits.push_back(std::move(wait));
  std::ranges::stable_sort(trace.kernels, std::greater(), &TorchTrace::Kernel::us);
  std::ranges::stable_sort(trace.waits, std::greater(), &TorchTrace::Wait::us);
  add_up(std::move(device), trace);
  if (host.end >= host.begin) trace.host_us = host.end - host.begin;
  return trace;
}

}  // namespace

std::int64_t TorchTrace::launches() const {
  std::int64_t sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.launches;
  return sum;
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
