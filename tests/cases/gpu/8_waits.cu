// expect measured: nothing but operators, one of which waits for the device
// as a graph, no time: the plan cannot be captured as a graph: aten::nonzero
/* /// kerf
version = 1
[[step]]
call = "aten.nonzero.default"
args = ["x"]
out = "_"
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "out"
/// */
