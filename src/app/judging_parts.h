// What candidates are judged with on a target: its GPUs, compilers, runners, and what its hardware can do at most.
#pragma once

#include <memory>
#include <vector>

#include "evaluate/cuda_runner.h"
#include "evaluate/diagnosis.h"
#include "evaluate/languages.h"
#include "target/cpu/roofline.h"
#include "target/target.h"

namespace kerf {

// Those that are asked for, which must be there; unasked, the first, or none where this machine has none.
[[nodiscard]] Result<std::vector<std::shared_ptr<CudaRunner>>> gpus_at_hand(const std::vector<int>& devices);

// Those that the target names and this version knows. On a GPU cubins run; in main memory what was compiled for it.
void add_languages(const Target& target, const std::shared_ptr<Runner>& runner, bool on_gpu, Languages& languages);

[[nodiscard]] MachineLimits limits_of(const Roofline& roofline, const MachineFacts& machine);
// An upper bound of what an NVIDIA GPU of today can do, from what the driver says of it: two transfers of the memory's
// bus a cycle, and dense TF32 on the tensor cores, 1,024 multiplications and additions a cycle and SM (compute
// capability 9.0; CUDA C++ Programming Guide, throughput of native arithmetic instructions, and the vendor's data
// sheet), because PyTorch computes convolutions in it.
[[nodiscard]] MachineLimits limits_of(const DeviceFacts& facts);

}  // namespace kerf
