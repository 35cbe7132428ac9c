"""kerf's oracle: the trusted process that makes inputs, knows the true answers and judges outputs (docs/problems.md)."""

PROTOCOL = 1
