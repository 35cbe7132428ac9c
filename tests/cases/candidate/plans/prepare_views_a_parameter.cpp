//: expect ok
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::t f32[8, 8]{1, 8} of 1
//: prototype k const f32*, f32*, i64, i64
//: log prepare launch pack [1](%4, %3, 8:i64)
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
[[step]]
call = "aten.t.default"
args = ["w"]
out = "wt"
phase = "prepare"
[[step]]
phase = "prepare"
launch = "pack"
grid = [1]
args = ["wt", "s", "wt.stride[1]"]
[[step]]
launch = "k"
grid = [1]
args = ["s", "out", "x.shape[1]"]
/// */
extern "C" void k();
extern "C" void pack();
