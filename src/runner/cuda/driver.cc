#include "runner/cuda/driver.h"

#include <dlfcn.h>

#include <array>
#include <type_traits>

#include <fmt/format.h>

namespace kerf {

std::string CudaDriver::name(CuResult code) const {
  const char* text = nullptr;
  return error_name(code, &text) == 0 && text != nullptr ? text : fmt::format("CUDA error {}", code);
}

Result<CudaDriver> load_cuda_driver() {
  void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) return fail(ErrorKind::unavailable, "NVIDIA's driver (libcuda.so.1) is not here");
  CudaDriver driver{};
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  find(driver.init, "cuInit");
  find(driver.driver_version, "cuDriverGetVersion");
  find(driver.device_get, "cuDeviceGet");
  find(driver.device_name, "cuDeviceGetName");
  find(driver.device_pci, "cuDeviceGetPCIBusId");
  find(driver.device_attribute, "cuDeviceGetAttribute");
  find(driver.device_memory, "cuDeviceTotalMem_v2");
  find(driver.primary_retain, "cuDevicePrimaryCtxRetain");
  find(driver.set_current, "cuCtxSetCurrent");
  find(driver.get_current, "cuCtxGetCurrent");
  find(driver.module_load, "cuModuleLoadData");
  find(driver.module_unload, "cuModuleUnload");
  find(driver.module_function, "cuModuleGetFunction");
  find(driver.function_set, "cuFuncSetAttribute");
  find(driver.function_get, "cuFuncGetAttribute");
  find(driver.launch, "cuLaunchKernelEx");
  find(driver.allocate, "cuMemAlloc_v2");
  find(driver.release, "cuMemFree_v2");
  find(driver.memset8, "cuMemsetD8Async");
  find(driver.copy_to_host, "cuMemcpyDtoH_v2");
  find(driver.ipc_open, "cuIpcOpenMemHandle_v2");
  find(driver.ipc_close, "cuIpcCloseMemHandle");
  find(driver.event_create, "cuEventCreate");
  find(driver.event_destroy, "cuEventDestroy_v2");
  find(driver.event_record, "cuEventRecord");
  find(driver.event_elapsed, "cuEventElapsedTime");
  find(driver.profiler_start, "cuProfilerStart");
  find(driver.profiler_stop, "cuProfilerStop");
  find(driver.synchronize, "cuCtxSynchronize");
  find(driver.reset_persisting_l2, "cuCtxResetPersistingL2Cache");
  find(driver.stream_create, "cuStreamCreate");
  find(driver.stream_destroy, "cuStreamDestroy_v2");
  find(driver.capture_begin, "cuStreamBeginCapture_v2");
  find(driver.capture_end, "cuStreamEndCapture");
  find(driver.graph_instantiate, "cuGraphInstantiateWithFlags");
  find(driver.graph_upload, "cuGraphUpload");
  find(driver.graph_launch, "cuGraphLaunch");
  find(driver.graph_exec_destroy, "cuGraphExecDestroy");
  find(driver.graph_destroy, "cuGraphDestroy");
  find(driver.tensor_map_encode, "cuTensorMapEncodeTiled");
  find(driver.error_name, "cuGetErrorName");
  if (missing != nullptr) return fail(ErrorKind::unavailable, fmt::format("NVIDIA's driver has no {}", missing));
  return driver;
}

Result<DeviceFacts> open_device(const CudaDriver& driver, int index) {
  if (const CuResult code = driver.init(0); code != 0)
    return fail(ErrorKind::unavailable, fmt::format("NVIDIA's driver does not start: {}", driver.name(code)));
  int device = 0;
  if (const CuResult code = driver.device_get(&device, index); code != 0)
    return fail(ErrorKind::unavailable, fmt::format("there is no GPU {}: {}", index, driver.name(code)));
  CuContext context = nullptr;
  if (const CuResult code = driver.primary_retain(&context, device); code != 0)
    return fail(ErrorKind::unavailable, fmt::format("GPU {} gives no context: {}", index, driver.name(code)));
  driver.set_current(context);
  DeviceFacts facts{.name = {}, .index = index};
  std::array<char, 256> name{};
  driver.device_name(name.data(), static_cast<int>(name.size()) - 1, device);
  facts.name = name.data();
  std::array<char, 32> pci{};
  if (driver.device_pci(pci.data(), static_cast<int>(pci.size()) - 1, device) == 0) facts.pci = pci.data();
  std::size_t memory = 0;
  driver.device_memory(&memory, device);
  facts.memory_bytes = static_cast<std::int64_t>(memory);
  driver.driver_version(&facts.driver);
  // Numbers of CUdevice_attribute.
  const auto attribute = [&](int number) {
    int value = 0;
    driver.device_attribute(&value, number, device);
    return value;
  };
  facts.clock_khz = attribute(13);
  facts.sms = attribute(16);
  facts.memory_clock_khz = attribute(36);
  facts.bus_bits = attribute(37);
  facts.l2_bytes = attribute(38);
  facts.capability = 10 * attribute(75) + attribute(76);
  return facts;
}

bool is_sticky(CuResult code) {
  // Illegal address, launch time-out, assert, hardware stack error, illegal instruction, misaligned address, invalid
  // address space, invalid program counter, launch failed.
  constexpr std::array<CuResult, 9> lost = {700, 702, 710, 714, 715, 716, 717, 718, 719};
  for (const CuResult each : lost)
    if (each == code) return true;
  return false;
}

}  // namespace kerf
