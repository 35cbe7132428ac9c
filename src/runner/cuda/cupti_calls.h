// CUPTI's functions as kerf calls them (cupti_profiler_host.h, cupti_range_profiler.h): layouts and names, no header of
// NVIDIA's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runner/cuda/cupti.h"

namespace kerf::cupti {

// Each begins with its own size, without what pads it at the end, and a pointer that is null.
struct Head {
  std::size_t size;
  void* null;
};
struct Plain {
  Head head;
};
struct ChipName {
  Head head;
  std::size_t device;
  const char* name;
};
struct HostInitialize {
  Head head;
  int type;
  const char* chip;
  const std::uint8_t* availability;
  void* host;
};
struct HostObject {
  Head head;
  void* host;
};
struct AddMetrics {
  Head head;
  void* host;
  const char** names;
  std::size_t count;
};
struct ImageSize {
  Head head;
  void* host;
  std::size_t size;
};
struct ConfigImage {
  Head head;
  void* host;
  std::size_t size;
  std::uint8_t* image;
};
struct Passes {
  Head head;
  std::size_t size;
  std::uint8_t* image;
  std::size_t passes;
};
struct Evaluate {
  Head head;
  void* host;
  const std::uint8_t* data;
  std::size_t size;
  std::size_t range;
  const char** names;
  std::size_t count;
  double* values;
};
struct Enable {
  Head head;
  void* context;
  void* ranges;
};
struct RangesObject {
  Head head;
  void* ranges;
};
struct Stop {
  Head head;
  void* ranges;
  std::size_t pass;
  std::size_t level;
  std::uint8_t all_submitted;
};
struct Decode {
  Head head;
  void* ranges;
  std::size_t dropped;
};
struct DataSize {
  Head head;
  void* ranges;
  const char** names;
  std::size_t count;
  std::size_t most_ranges;
  std::uint32_t most_nodes;
  std::size_t size;
};
struct DataInitialize {
  Head head;
  void* ranges;
  std::size_t size;
  std::uint8_t* data;
};
struct SetConfig {
  Head head;
  void* ranges;
  std::size_t config_size;
  const std::uint8_t* config;
  std::size_t data_size;
  std::uint8_t* data;
  int range;
  int replay;
  std::size_t ranges_a_pass;
  std::uint16_t levels;
  std::uint16_t least_level;
  std::size_t pass;
  std::uint16_t level;
};
struct DataInfo {
  Head head;
  const std::uint8_t* data;
  std::size_t size;
  std::size_t ranges;
};

}  // namespace kerf::cupti

namespace kerf {

// Each returns a code, 0 for success.
struct CuptiFunctions {
  template <class T>
  using Function = int (*)(T*);
  Function<cupti::Plain> initialize;
  Function<cupti::ChipName> chip_name;
  Function<cupti::HostInitialize> host_initialize;
  Function<cupti::HostObject> host_end;
  Function<cupti::AddMetrics> add_metrics;
  Function<cupti::ImageSize> image_size;
  Function<cupti::ConfigImage> image;
  Function<cupti::Passes> passes;
  Function<cupti::Evaluate> evaluate;
  Function<cupti::Enable> enable;
  Function<cupti::RangesObject> disable, start;
  Function<cupti::Stop> stop;
  Function<cupti::Decode> decode;
  Function<cupti::DataSize> data_size;
  Function<cupti::DataInitialize> data_initialize;
  Function<cupti::DataInfo> data_info;
  Function<cupti::SetConfig> set_config;
  int (*result_string)(int, const char**);

  [[nodiscard]] std::unexpected<Error> failed(const char* what, int code) const {
    const char* text = nullptr;
    result_string(code, &text);
    return cupti_failed(what, code, text);
  }
};

}  // namespace kerf
