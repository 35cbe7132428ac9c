// A graph that the built-in synthesizer writes candidates for, which are judged: on a GPU that need not be there.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace kerf {

struct JudgedGraph {
  const char* name;
  const char* forward;  // of x, and y where there are two inputs
  std::vector<const char*> inputs;
  const char* layers = "pass";          // in __init__
  const char* schedule = "{}";          // what of the first candidate's schedule is changed …
  std::vector<const char*> moves = {};  // … and the moves that are made from there in CUDA (dots: Triton), each judged
  const char* text = "";                // the first candidate is the first that has it
};

inline std::string source_of(const JudgedGraph& graph) {
  const bool two = graph.inputs.size() == 2;
  return fmt::format(R"py(
import torch
import torch.nn as nn

rows = 12

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        {}

    def forward(self, x{}):
        return {}

def get_inputs():
    return [{}]

def get_init_inputs():
    return []
)py",
                     graph.layers, two ? ", y" : "", graph.forward, fmt::join(graph.inputs, ", "));
}

}  // namespace kerf
