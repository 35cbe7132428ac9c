# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 48 and x.shape[2] == 20 and x.shape[3] == 24"
# [[step]]
# call = "aten.permute.default"
# args = ["x", [0, 2, 3, 1]]
# out = "permute"
# [[step]]
# call = "aten.layer_norm.default"
# args = ["permute", [48], "weight", "bias", 1e-05]
# out = "out"
# ///
