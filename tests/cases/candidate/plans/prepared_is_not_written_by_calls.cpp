//: expect 21:8 read_only only prepare steps may write it
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
//: schema aten::sum(Tensor self) -> Tensor
//: answer aten::sum f32[8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
[[step]]
phase = "prepare"
launch = "pack"
grid = [1]
args = ["w", "s"]
[[step]]
call = "aten.sum.default"
args = ["w"]
out = "s"
[[step]]
launch = "k"
grid = [1]
args = ["s", "out"]
/// */
extern "C" void k();
extern "C" void pack();
