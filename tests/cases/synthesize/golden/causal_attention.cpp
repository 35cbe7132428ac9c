/* /// kerf
version = 1
supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1024 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1024 and v.shape[3] == 64"
[[step]]
call = "aten.scaled_dot_product_attention.default"
args = ["q", "k", "v", "none", 0.0, true]
out = "attended"
[[step]]
call = "aten.transpose.int"
args = ["attended", 1, 2]
out = "turned"
[[step]]
call = "aten.clone.default"
args = ["turned"]
out = "out"
/// */
