//: expect ok
//: input x f32[6, 8]
//: parameter layer.0.weight f32[8, 8]
//: parameter layer f32[2]
//: output f32[6, 8]
//: log launch k [8](%0, %1, %2, %3, 2:i64)
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["layer.0.weight.shape[0]"]
args = ["x", "layer.0.weight", "layer", "out", "layer.shape[0]"]
/// */
extern "C" void k();
