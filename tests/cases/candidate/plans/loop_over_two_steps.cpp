//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: log launch k [1](%0, 0:i64)
//: log launch j [1](%1, 0:i64)
//: log launch k [1](%0, 1:i64)
//: log launch j [1](%1, 2:i64)
/* /// kerf
version = 1
[loops]
t = "x.shape[0] // 3"
[[step]]
for = "t"
launch = "k"
grid = [1]
args = ["x", "t"]
[[step]]
for = "t"
launch = "j"
grid = [1]
args = ["out", "t * 2"]
/// */
extern "C" void k();
extern "C" void j();
