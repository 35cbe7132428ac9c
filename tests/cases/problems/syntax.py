# error: line 4: not valid Python
import torch

class Model(:
    pass
