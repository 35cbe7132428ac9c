"""A problem as text in KernelBench's format."""
import dataclasses

TEMPLATE = '''import math
import torch
import torch.nn as nn
import torch.nn.functional as F

{sizes}

{helpers}class Model(nn.Module):
    def __init__(self):
        super().__init__()
{layers}

    def forward(self, {parameters}):
{forward}


def get_inputs():
    return [{inputs}]


def get_init_inputs():
    return []
'''


@dataclasses.dataclass
class Problem:
    name: str
    forward: str  # an expression, or statements that return
    inputs: dict  # parameter -> expression
    sizes: dict
    layers: str = "pass"  # statements of __init__
    helpers: str = ""  # classes and functions in front of Model

    def text(self):
        indent = lambda text: "\n".join("        " + line if line.strip() else "" for line in text.strip("\n").split("\n"))
        forward = self.forward if "return " in self.forward else "return " + self.forward
        return TEMPLATE.format(sizes="\n".join(f"{name} = {value}" for name, value in self.sizes.items()),
                               helpers=self.helpers.strip("\n") + "\n\n\n" if self.helpers else "", layers=indent(self.layers),
                               parameters=", ".join(self.inputs), forward=indent(forward), inputs=", ".join(self.inputs.values()))
