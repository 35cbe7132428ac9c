// What kerf and the process that compiles CUDA C++ say to each other. Both ends are built from one tree, so nothing
// here has a version.
//   worker: {"ready": 13000} once, or an encoded Error (run_protocol.h)     kerf: NvrtcRequest     worker: NvrtcAnswer
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct NvrtcRequest {
  std::string text;
  std::vector<std::string> options;
  std::vector<std::string> names;  // expressions that name kernels: "gemm<64, 32>"
  int cpu_seconds = 30;
};

struct NvrtcAnswer {
  bool compiled = false;
  std::string died;  // how the child ended, if it did not answer
  std::string log;
  std::string cubin;
  std::vector<std::string> symbols;  // of the names, in their order
};

[[nodiscard]] std::string encode(const NvrtcRequest& request);
[[nodiscard]] std::string encode(const NvrtcAnswer& answer);
[[nodiscard]] Result<NvrtcRequest> decode_nvrtc_request(std::string_view body);
// The worker may be hostile: it ran an untrusted source through a compiler.
[[nodiscard]] Result<NvrtcAnswer> decode_nvrtc_answer(std::string_view body);

}  // namespace kerf
