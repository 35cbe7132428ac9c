//: expect 16:10 prototype `xt` is read-only
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::t f32[8, 6]{1, 8} of 0
//: prototype k f32*, f32*, i64, i64
/* /// kerf
version = 1
[[step]]
call = "aten.t.default"
args = ["x"]
out = "xt"
[[step]]
launch = "k"
grid = [2]
args = ["xt", "out", "xt.stride[0]"]
/// */
extern "C" void k();
