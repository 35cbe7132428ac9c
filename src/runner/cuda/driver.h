// NVIDIA's driver, as much of it as a runner needs: loaded at run time, so that one binary serves every machine. Names,
// numbers and layouts are those of cuda.h (CUDA Driver API).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "candidate/device_protocol.h"

namespace kerf {

using CuResult = int;  // 0: success
using CuPointer = unsigned long long;
using CuStream = void*;
using CuEvent = void*;
using CuModule = void*;
using CuFunction = void*;
using CuContext = void*;
using CuGraph = void*;
using CuGraphExec = void*;

struct CuIpcHandle {
  unsigned char bytes[64];
};

struct CuLaunchAttribute {
  int id;
  int padding;
  union {
    char room[64];
    unsigned cluster[3];
    int cooperative;
  } value;
};
static_assert(sizeof(CuLaunchAttribute) == 72);

struct CuLaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
  CuStream stream;
  CuLaunchAttribute* attributes;
  unsigned attribute_count;
};

struct CudaDriver {
  CuResult (*init)(unsigned);
  CuResult (*driver_version)(int*);
  CuResult (*device_get)(int*, int);
  CuResult (*device_name)(char*, int, int);
  CuResult (*device_pci)(char*, int, int);
  CuResult (*device_attribute)(int*, int, int);
  CuResult (*device_memory)(std::size_t*, int);
  CuResult (*primary_retain)(CuContext*, int);
  CuResult (*set_current)(CuContext);
  CuResult (*get_current)(CuContext*);
  CuResult (*module_load)(CuModule*, const void*);
  CuResult (*module_unload)(CuModule);
  CuResult (*module_function)(CuFunction*, CuModule, const char*);
  CuResult (*function_set)(CuFunction, int, int);
  CuResult (*function_get)(int*, int, CuFunction);
  CuResult (*launch)(const CuLaunchConfig*, CuFunction, void**, void**);
  CuResult (*allocate)(CuPointer*, std::size_t);
  CuResult (*release)(CuPointer);
  CuResult (*memset8)(CuPointer, unsigned char, std::size_t, CuStream);
  CuResult (*copy_to_host)(void*, CuPointer, std::size_t);
  CuResult (*ipc_open)(CuPointer*, CuIpcHandle, unsigned);
  CuResult (*ipc_close)(CuPointer);
  CuResult (*event_create)(CuEvent*, unsigned);
  CuResult (*event_destroy)(CuEvent);
  CuResult (*event_record)(CuEvent, CuStream);
  CuResult (*event_elapsed)(float*, CuEvent, CuEvent);  // milliseconds
  CuResult (*profiler_start)();                         // for who watches this process from outside
  CuResult (*profiler_stop)();
  CuResult (*synchronize)();  // the whole context
  CuResult (*reset_persisting_l2)();
  CuResult (*stream_create)(CuStream*, unsigned);
  CuResult (*stream_destroy)(CuStream);
  CuResult (*capture_begin)(CuStream, int);
  CuResult (*capture_end)(CuStream, CuGraph*);
  CuResult (*graph_instantiate)(CuGraphExec*, CuGraph, unsigned long long);
  CuResult (*graph_upload)(CuGraphExec, CuStream);
  CuResult (*graph_launch)(CuGraphExec, CuStream);
  CuResult (*graph_exec_destroy)(CuGraphExec);
  CuResult (*graph_destroy)(CuGraph);
  // Data type, rank, address, extents, strides but the first, box, steps between elements, interleaving, swizzle,
  // promotion in L2, what lies outside.
  CuResult (*tensor_map_encode)(void*, int, std::uint32_t, void*, const std::uint64_t*, const std::uint64_t*,
                                const std::uint32_t*, const std::uint32_t*, int, int, int, int);
  CuResult (*error_name)(CuResult, const char**);

  // "CUDA_ERROR_ILLEGAL_ADDRESS"
  [[nodiscard]] std::string name(CuResult code) const;
};

// `unavailable: …` where there is no driver or it lacks a function.
[[nodiscard]] Result<CudaDriver> load_cuda_driver();

// Makes the device's primary context (the one that PyTorch uses, too) the current one. `unavailable` if there is no
// such device.
[[nodiscard]] Result<DeviceFacts> open_device(const CudaDriver& driver, int index);

// What a kernel has done: every later call in this process fails, the context is lost.
[[nodiscard]] bool is_sticky(CuResult code);

}  // namespace kerf
