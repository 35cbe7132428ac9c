// What an exported file keeps from run to run on a GPU, where there is none: tensors in main memory pass for a GPU's,
// and the driver is a few functions in Python that note what they are given and do the kernels' work.
#include <gmock/gmock.h>

#include "exported.h"

namespace kerf {
namespace {

constexpr const char* grown_problem = R"py(
import torch

class Model(torch.nn.Module):
    def __init__(self, features):
        super().__init__()
        self.part = torch.nn.Module()
        self.part.weight = torch.nn.Parameter(torch.randn(features))

    def forward(self, x, y):
        return torch.exp(self.part.weight) * x + y, (x + y).reshape(-1)

def get_inputs():
    return [torch.randn(6, 8), torch.randn(6, 8)]

def get_init_inputs():
    return [8]
)py";

// A prepare step, scratch that has to be zero, two launches, and a view that becomes an output.
constexpr const char* grown_candidate = R"cu(/* /// kerf
version = 1
[[scratch]]
name = "product"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[scratch]]
name = "ones"
dtype = "i32"
shape = ["x.shape[0]"]
zero = true
[[scratch]]
name = "twos"
dtype = "f64"
shape = ["numel(ones)"]
zero = true
[[scratch]]
name = "threes"
dtype = "f64"
shape = [3]
zero = true
[[step]]
phase = "prepare"
call = "aten.exp.default"
args = ["part.weight"]
out = "grown"
[[step]]
launch = "multiply"
grid = ["x.shape[0]"]
block = [32]
args = ["x", "grown", "product", "ones", "twos", "threes", "x.shape[0]", "x.shape[1]"]
[[step]]
call = "aten.mul.Tensor"
args = ["y", 1]
out = "same"
[[step]]
launch = "add"
grid = ["x.shape[0]"]
block = [32]
args = ["product", "same", "out0", "x.shape[0]", "x.shape[1]"]
[[step]]
call = "aten.add.Tensor"
args = ["x", "y"]
out = "sum"
[[step]]
call = "aten.mul.Tensor"
args = ["sum", 2]
out = "twice"
[[step]]
call = "aten.div.Tensor"
args = ["twice", 2]
out = "halved"
[[step]]
call = "aten.view.default"
args = ["halved", [-1]]
out = "out1"
/// */
__global__ void multiply(const float* x, const float* grown, float* product, int* ones, double* twos, double* threes, int64_t rows, int64_t columns) {}
__global__ void add(const float* product, const float* y, float* out, int64_t rows, int64_t columns) {}
)cu";

constexpr const char* pretended_gpu = R"py(
import copy, ctypes, importlib.util, sys, threading, torch, warnings, weakref
warnings.simplefilter("error")
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
m = importlib.util.module_from_spec(spec)
sys.modules["exported"] = m
spec.loader.exec_module(m)

stream, failing, calls = [7], [], []
torch.Tensor.is_cuda = property(lambda t: True)
torch.cuda.current_device = torch._C._cuda_getDevice = lambda: None
torch._C._cuda_getCurrentRawStream = lambda device: stream[0]
m._kerf_empty = lambda shape, stride, dtype: torch.full((), 7, dtype=dtype).new_empty(shape).as_strided(shape, stride)

def floats(address, *shape):
    return torch.frombuffer((ctypes.c_float * torch.Size(shape).numel()).from_address(address), dtype=torch.float32).view(shape)

class Driver:
    def cuLaunchKernelEx(config, kernel, arguments, more):
        assert config._obj.stream == stream[0]
        calls.append(kernel)
        if failing:
            return failing.pop()
        *tensors, rows, columns = [ctypes.c_ulonglong.from_address(address).value for address in arguments]
        if kernel == "multiply":
            x, grown, product, ones, twos, threes = tensors
            for address, size in (ones, 4 * rows), (twos, 8 * rows), (threes, 24):
                assert ctypes.string_at(address, size) == bytes(size)
                ctypes.memset(address, 1, size)  # and the next run finds zeros all the same
            floats(product, rows, columns)[:] = floats(x, rows, columns) * floats(grown, columns)
        else:
            product, y, out = tensors
            assert results[-1]().data_ptr() == y  # which nothing needs from here on
            floats(out, rows, columns)[:] = floats(product, rows, columns) + floats(y, rows, columns)
        return 0

    def cuMemsetD8Async(address, value, size, on):
        assert on.value == stream[0]
        calls.append("memset")
        ctypes.memset(address.value, value.value, size.value)
        return 0

    def cuGetErrorName(code, name):
        name._obj.value = b"CUDA_ERROR_OF_THE_TEST"

class Kernels(m._Driver):
    driver = Driver

    def __init__(self):
        pass

    def function(self, kernel, shared):
        return kernel

operator, results, alive = m._operator, [], []

def watched(name):
    def does(*args):
        alive.append(sum(result() is not None for result in results))
        result = operator(name)(*args)
        results.append(weakref.ref(result))
        return result
    return does

m._operator = watched
m._kerf_library = lambda device: kernels
kernels, slow = Kernels(), [0]
long_way = m._kerf_forward

def counted(*given):
    slow[0] += 1
    return long_way(*given)

m._kerf_forward = counted
kept = []

def check(what, given, short, ran=True, grad=False, **named):
    calls.clear(), results.clear(), alive.clear()
    slow[0] = 0
    with torch.set_grad_enabled(grad):
        outs = new(*given, **named)
    with torch.no_grad():
        wanted = [torch.exp(new.part.weight) * given[0] + (given[1] if len(given) > 1 else named["y"])]
        wanted.append((given[0] + (given[1] if len(given) > 1 else named["y"])).reshape(-1))
    for a, b in zip(outs, wanted):
        torch.testing.assert_close(a, b)
        assert not ran or not a.requires_grad
    assert calls == (["memset", "memset", "multiply", "add"] if ran else []), (what, calls)
    assert (slow[0] == 0) == short, (what, "went the long way" if slow[0] else "took the shortcut")
    assert not short or alive == [0, 0, 1, 1, 1], (what, alive)  # an operator's result goes when nothing needs it
    for earlier, copied in kept:
        assert torch.equal(earlier, copied), what
    kept.extend((t, t.clone()) for t in outs)
    print(what)

def pair(*shape):
    return [torch.randn(shape), torch.randn(shape)]

torch.manual_seed(1)
new = m.ModelNew(8)
first = pair(6, 8)
check("first", first, short=False)
check("again", first, short=True)
check("other addresses", pair(6, 8), short=True)
first[0].add_(1)
check("inputs changed in place", first, short=True)
new.part.weight.data.mul_(0.5)
with torch.no_grad():
    new.part.weight.add_(0.25)
check("weights changed in place", first, short=False)
check("and again", first, short=True)
new.part.weight.data = torch.randn(8)
check("weights changed by .data", first, short=False)
new.part.weight = torch.nn.Parameter(torch.randn(8))
check("weights replaced", first, short=False)
new.part = copy.deepcopy(new.part)
check("a module replaced", first, short=False)
check("and again", first, short=True)
check("another shape", pair(3, 8), short=False)
check("and again", pair(3, 8), short=True)
check("back", first, short=True)
check("and back", pair(3, 8), short=True)
check("other strides", [first[0], torch.randn(8, 6).t()], short=False)
check("other strides again", [first[0], torch.randn(8, 6).t()], short=False)
check("outputs of other strides", [torch.randn(8, 6).t(), first[1]], short=False, ran=False)
check("back", first, short=True)
stream[0] = 8
check("another stream", first, short=False)
check("and again", first, short=True)
stream[0] = 7
check("back", first, short=True)
check("with gradients", first, short=True, grad=True)
check("one tensor twice", [first[0], first[0]], short=False)
check("by name", first[:1], short=False, y=first[1])
check("and again", first, short=True)
thread = threading.Thread(target=check, args=("another thread", first, False))
thread.start()
thread.join()
check("back", first, short=True)
check("another dtype", [t.double() for t in first], short=False, ran=False)
unaligned = torch.randn(49)[1:].view(6, 8)
check("negated", [torch._neg_view(first[0]), first[1]], short=False, ran=False)
check("not aligned", [unaligned, first[1]], short=False, ran=False)
check("and again", first, short=True)
for code in range(2):
    failing.append(700)
    try:
        new(*first)
    except RuntimeError as error:
        print(error)
    check("after a failure", first, short=True)
failing.append(701)
try:
    new(*pair(5, 8))
except RuntimeError as error:
    print(error)
check("after a failure that nothing was learned from", pair(5, 8), short=False)
with torch.inference_mode():
    check("tensors of inference mode", pair(6, 8), short=False)
for rows in range(7, 13):
    check("more shapes than are kept", pair(rows, 8), short=False)
check("the first of them", pair(7, 8), short=False)
check("the last", pair(12, 8), short=True)
new = copy.deepcopy(new)
check("a copy", first, short=False)
check("and again", first, short=True)
m._Guards, new = None, copy.deepcopy(new)  # of another PyTorch
check("without guards", first, short=False)
check("without guards again", first, short=False)
)py";

TEST_F(Export, WhatIsKeptFromRunToRunOnAGpuIsWhatDoesNotChange) {
  const auto text = exported(ExportFormat::pytorch, grown_candidate, problem_of(grown_problem), Language::cuda);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, testing::HasSubstr(R"(    ones, = _zeros(("ones", _torch.int32, (x.shape[0],)))
    twos, threes = _zeros(("twos", _torch.float64, (_numel(ones),)), ("threes", _torch.float64, (3,)))
)"));
  const Finished done = run(*text, pretended_gpu, "");
  EXPECT_TRUE(done.ok()) << done.describe() << done.output << done.errors;
}

}  // namespace
}  // namespace kerf
