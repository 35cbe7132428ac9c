// The trace of PyTorch's profiler (torch.profiler, export_chrome_trace), and traces that are packed with gzip, as
// Proton and PyTorch write them when they are told to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

// What ran on the devices between the first and the last of it, and what the host did meanwhile.
struct TorchTrace {
  struct Kernel {
    std::string name;
    std::int64_t launches = 0;
    double us = 0;  // of all launches
  };
  struct Wait {
    std::string call;  // "cudaStreamSynchronize"
    std::int64_t times = 0;
    double us = 0;  // that the host spent in it
  };
  struct Operator {
    std::string name;  // "aten::addmm"
    std::int64_t calls = 0;
    double us = 0;  // on the host, without the operators that it calls
  };
  std::vector<Kernel> kernels;           // the longest first
  std::vector<Wait> waits;               // of the host for the device, the longest first
  std::vector<Operator> operators = {};  // the longest first: where they run on the host, what takes the time
  std::int64_t copies = 0;               // between host and device, and within it
  double copies_us = 0;
  double span_us = 0;  // from the begin of the first to the end of the last thing on a device
  double busy_us = 0;  // in it, that something ran
  double longest_gap_us = 0;
  double host_us = 0;         // from the first to the last operator of the host
  std::int64_t launches = 0;  // of all kernels
};
// The operator of the host that stands for all that torch.compile made of a graph, whichever graph it is.
inline constexpr std::string_view compiled_graph = "compiled graph";
// Kind user: no Chrome trace, or an event without its fields. A trace of a machine without a GPU has no kernels.
[[nodiscard]] Result<TorchTrace> read_torch_trace(std::string_view json);

// What is kept in a record: of kernels, operators and waits the longest few. Sums are as they were.
void shorten(TorchTrace& trace, std::size_t most = 8);

// The contents of a gzip file (several members in a row are one), or the bytes themselves if they are none. Kind user:
// it is damaged, or more than `most` bytes.
[[nodiscard]] Result<std::string> unpacked(std::string_view bytes, std::size_t most = std::size_t{256} << 20);

}  // namespace kerf
