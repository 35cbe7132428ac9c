/* /// kerf
version = 1
supports = "a.ndim == 2 and a.shape[0] == 4096 and a.shape[1] == 512 and b.ndim == 2 and b.shape[0] == 4096 and b.shape[1] == 768"
[[step]]
call = "aten.t.default"
args = ["a"]
out = "t"
[[step]]
call = "aten.mm.default"
args = ["t", "b"]
out = "out"
/// */
