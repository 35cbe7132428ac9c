//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
block = [256]
shared = "4 * x.shape[1]"
cooperative = true
/// */
extern "C" __global__ void k(const float* x, float* out) {}
