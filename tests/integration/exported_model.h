// A model beside its exported ModelNew, in a bare Python.
#pragma once

#include <map>
#include <string>

#include "exported.h"

namespace kerf {

// Runs FILE's ModelNew against its Model: parameters, primary inputs, then inputs of each shape of argv[2]. Prints, for
// each, whether kerf's kernels ran, and how many steps of the primary run were learned.
inline constexpr const char* model_driver = R"py(
import copy, importlib.util, sys, torch, warnings
warnings.simplefilter("error")
assert "kerf_oracle" not in sys.modules
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
m = importlib.util.module_from_spec(spec)
sys.modules["exported"] = m
spec.loader.exec_module(m)
flat = lambda v: [v] if isinstance(v, torch.Tensor) else [t for e in v for t in flat(e)]

def compare(inputs, ran):
    with torch.no_grad():
        a, b = flat(ref(*inputs)), flat(new(*inputs))
    assert len(a) == len(b)
    for x, y in zip(a, b):
        assert x.shape == y.shape and x.dtype == y.dtype and x.stride() == y.stride(), (x.shape, y.shape, x.stride(), y.stride())
        if x.dtype.is_floating_point:
            error = (x.double() - y.double()).abs().max().item() if x.numel() else 0
            scale = max(1e-6, x.double().abs().max().item()) if x.numel() else 1
            assert error <= 1e-4 * scale, (error, scale)
        else:
            assert torch.equal(x, y)
    print("kerf" if any(v is not None for v in list(new._kerf_known.values())[ran:]) else "model")

init = m.get_init_inputs()
torch.manual_seed(3)
ref = m.Model(*init)
torch.manual_seed(3)
new = m.ModelNew(*init)
assert list(ref.state_dict()) == list(new.state_dict())
assert all(torch.equal(x, y) for x, y in zip(ref.state_dict().values(), new.state_dict().values()))
compare(m.get_inputs(), 0)
with torch.no_grad():  # what was prepared for the old values is prepared anew
    for x, y in zip(ref.parameters(), new.parameters()):
        x.mul_(1.1), y.mul_(1.1)
compare(m.get_inputs(), 0)
for known in new._kerf_known.values():
    if known is not None:
        print("learned", known.steps)
new = copy.deepcopy(new)
for shape in eval(sys.argv[2]):
    compare([torch.randn(shape)], len(new._kerf_known))
)py";

class ExportedFile : public Export {
 protected:
  Finished run(const std::string& text, const std::string& shapes,
               const std::map<std::string, std::string>& more = {}) {
    return Export::run(text, model_driver, shapes, more);
  }
};

inline constexpr const char* row_sum_problem = R"py(
import torch
import torch.nn as nn

rows = 64
columns = 100

class Model(nn.Module):
    def __init__(self, features, scale=2.0):
        super().__init__()
        self.fc = nn.Linear(features, 8)
        self.scale = scale

    def forward(self, x):
        return torch.sigmoid(self.fc(x)) * self.scale, x.sum(dim=1, keepdim=True)

def get_inputs():
    return [torch.randn(rows, columns)]

def get_init_inputs():
    return [columns]
)py";

}  // namespace kerf
