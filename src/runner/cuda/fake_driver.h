// NVIDIA's driver over main memory, for tests. Its functions are plain ones, so that there is one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/cuda/driver.h"

namespace kerf {

class FakeDriver {
 public:
  struct Kernel {
    std::size_t parameters = 0;
    std::function<CuResult(const CuLaunchConfig&, void**)> run;
  };
  FakeDriver() {
    now_ = this;
    kernels["kerf_fill"] = {.parameters = 3, .run = [](const CuLaunchConfig&, void** args) {
                              auto* at = *static_cast<std::uint64_t**>(args[0]);
                              const auto words = *static_cast<std::uint64_t*>(args[1]);
                              for (std::uint64_t i = 0; i < words; ++i) at[i] = *static_cast<std::uint64_t*>(args[2]);
                              return 0;
                            }};
    kernels["kerf_wait"] = {.parameters = 1, .run = [](const CuLaunchConfig&, void**) { return 0; }};
  }
  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;
  ~FakeDriver() { now_ = nullptr; }

  // By name; a module has them all.
  std::map<std::string, Kernel> kernels;
  std::map<std::string, std::vector<std::uint64_t>*> shared;  // what others offer, by the first byte of its handle
  std::vector<std::string> log;  // launches by name, graphs, what is opened and closed, encoded maps
  std::size_t memories = 0, modules = 0, streams = 0, graphs = 0, ready_graphs = 0, events = 0;  // that are alive
  CuResult at_synchronize = 0;  // what the device reports next
  CuResult at_capture_end = 0, at_instantiate = 0, at_encode = 0;
  std::size_t room = std::size_t{1} << 30;

  [[nodiscard]] CudaDriver table() const {
    CudaDriver d{};
    d.module_load = [](CuModule* module, const void*) {
      ++now_->modules;
      *module = now_;
      return 0;
    };
    d.module_unload = [](CuModule) {
      --now_->modules;
      return 0;
    };
    d.module_function = [](CuFunction* function, CuModule, const char* name) {
      const auto found = now_->kernels.find(name);
      if (found == now_->kernels.end()) return 500;  // CUDA_ERROR_NOT_FOUND
      *function = &*found;
      return 0;
    };
    d.function_set = [](CuFunction, int, int) { return 0; };
    d.function_get = [](int* value, int, CuFunction) { return *value = 0; };
    d.launch = [](const CuLaunchConfig* config, CuFunction function, void** args, void**) {
      return now_->launch(*config, *static_cast<std::pair<const std::string, Kernel>*>(function), args);
    };
    d.allocate = [](CuPointer* at, std::size_t bytes) {
      if (bytes > now_->room) return 2;  // CUDA_ERROR_OUT_OF_MEMORY
      now_->held_.push_back(std::make_unique<std::vector<std::uint64_t>>((bytes + 7) / 8));
      *at = reinterpret_cast<CuPointer>(now_->held_.back()->data());
      ++now_->memories;
      return 0;
    };
    d.release = [](CuPointer) {
      --now_->memories;  // stays readable: who reads it afterwards is found by what it should not find there
      return 0;
    };
    d.memset8 = [](CuPointer at, unsigned char value, std::size_t bytes, CuStream) {
      std::memset(reinterpret_cast<void*>(at), value, bytes);
      return 0;
    };
    d.copy_to_host = [](void* to, CuPointer from, std::size_t bytes) {
      std::memcpy(to, reinterpret_cast<void*>(from), bytes);
      return 0;
    };
    d.ipc_open = [](CuPointer* at, CuIpcHandle handle, unsigned) {
      const auto found = now_->shared.find(std::string(1, static_cast<char>(handle.bytes[0])));
      if (found == now_->shared.end()) return 1;  // CUDA_ERROR_INVALID_VALUE
      *at = reinterpret_cast<CuPointer>(found->second->data());
      now_->log.push_back("open " + found->first);
      return 0;
    };
    d.ipc_close = [](CuPointer at) {
      for (const auto& [name, memory] : now_->shared)
        if (reinterpret_cast<CuPointer>(memory->data()) == at) now_->log.push_back("close " + name);
      return 0;
    };
    d.event_create = [](CuEvent* event, unsigned) {
      now_->times_.push_back(0);
      *event = reinterpret_cast<CuEvent>(now_->times_.size());
      ++now_->events;
      return 0;
    };
    d.event_destroy = [](CuEvent) {
      --now_->events;
      return 0;
    };
    d.get_current = [](CuContext* context) {
      *context = now_;
      return 0;
    };
    // A clock that each launch moves by a millisecond.
    d.event_record = [](CuEvent event, CuStream) {
      now_->times_[reinterpret_cast<std::size_t>(event) - 1] = now_->launched_;
      return 0;
    };
    d.event_elapsed = [](float* ms, CuEvent from, CuEvent to) {
      *ms = static_cast<float>(now_->times_[reinterpret_cast<std::size_t>(to) - 1] -
                               now_->times_[reinterpret_cast<std::size_t>(from) - 1]);
      return 0;
    };
    d.profiler_start = [] {
      now_->log.emplace_back("watch");
      return 0;
    };
    d.profiler_stop = [] {
      now_->log.emplace_back("watched");
      return 0;
    };
    d.synchronize = [] { return std::exchange(now_->at_synchronize, 0); };
    d.reset_persisting_l2 = [] { return 0; };
    d.stream_create = [](CuStream* stream, unsigned) {
      ++now_->streams;
      *stream = now_;
      return 0;
    };
    d.stream_destroy = [](CuStream) {
      --now_->streams;
      return 0;
    };
    d.capture_begin = [](CuStream, int) {
      now_->capturing_ = true;
      now_->captured_.clear();
      return 0;
    };
    d.capture_end = [](CuStream, CuGraph* graph) {
      now_->capturing_ = false;
      if (now_->at_capture_end != 0) return now_->at_capture_end;
      ++now_->graphs;
      *graph = now_;
      return 0;
    };
    d.graph_instantiate = [](CuGraphExec* ready, CuGraph, unsigned long long) {
      if (now_->at_instantiate != 0) return now_->at_instantiate;
      ++now_->ready_graphs;
      *ready = now_;
      return 0;
    };
    d.graph_upload = [](CuGraphExec, CuStream) { return 0; };
    d.graph_launch = [](CuGraphExec, CuStream) {
      now_->log.push_back("graph of " + std::to_string(now_->captured_.size()));
      for (const auto& launch : now_->captured_)
        if (const CuResult code = launch(); code != 0) return code;
      ++now_->launched_;
      return 0;
    };
    d.graph_exec_destroy = [](CuGraphExec) {
      --now_->ready_graphs;
      return 0;
    };
    d.graph_destroy = [](CuGraph) {
      --now_->graphs;
      return 0;
    };
    d.tensor_map_encode = [](void* map, int, std::uint32_t, void* at, const std::uint64_t*, const std::uint64_t*,
                             const std::uint32_t*, const std::uint32_t*, int, int, int, int) {
      std::memcpy(map, &at, sizeof at);
      now_->log.emplace_back("encode");
      return now_->at_encode;
    };
    d.error_name = [](CuResult, const char** text) {
      *text = "CUDA_ERROR_FAKE";
      return 0;
    };
    return d;
  }

 private:
  CuResult launch(const CuLaunchConfig& config, const std::pair<const std::string, Kernel>& kernel, void** args) {
    if (!capturing_) {
      if (!kernel.first.starts_with("kerf_")) {
        log.push_back(kernel.first);
        ++launched_;
      }
      return kernel.second.run(config, args);
    }
    // A graph keeps the parameters' bytes.
    std::vector<std::uint64_t> values;
    for (std::size_t i = 0; i < kernel.second.parameters; ++i) values.push_back(*static_cast<std::uint64_t*>(args[i]));
    captured_.emplace_back([config, &kernel, values]() mutable {
      std::vector<void*> pointers;
      for (std::uint64_t& value : values) pointers.push_back(&value);
      return kernel.second.run(config, pointers.data());
    });
    return 0;
  }

  static inline FakeDriver* now_ = nullptr;
  std::vector<std::unique_ptr<std::vector<std::uint64_t>>> held_;
  std::vector<double> times_;
  std::vector<std::function<CuResult()>> captured_;
  double launched_ = 0;
  bool capturing_ = false;
};

}  // namespace kerf
