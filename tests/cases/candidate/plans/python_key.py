#: expect 10:3 key unknown key `blok`
#: input x f32[6, 8]
#: output f32[6, 8]
# /// kerf
# version = 1
# [[step]]
# launch = "k"
# grid = ["x.shape[0]"]
# args = ["x", "out"]
# blok = 3
# ///
def k(x, out): pass
