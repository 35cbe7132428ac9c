"""Random chains of three to six operators behind a convolution or a product, as level 2 has them."""
from .operators import SCALE, convolution, label
from .problem import Problem

ANYWHERE = """F.relu(x)|torch.sigmoid(x)|torch.tanh(x)|F.gelu(x)|F.silu(x)|F.mish(x)|F.leaky_relu(x, 0.1)|F.hardswish(x)|F.hardsigmoid(x)|F.elu(x)|F.softplus(x)|x * 0.7|x + 1.5|x / 3.0|x - 0.25|x.abs()|torch.clamp(x, -0.8, 1.2)|torch.clamp(x, min=0.1)
x * torch.sigmoid(x)|x + first|x * first.sigmoid()|x + self.bias|x * self.scale|x - self.bias|torch.exp(-x * x)|torch.maximum(x, self.bias)|torch.where(x > 0, x, x * self.scale)|F.dropout(x, 0.3, training=False)|torch.sqrt(x.abs() + 1)|F.hardtanh(x, -1, 1)|torch.log1p(x.abs())|x ** 2|F.softsign(x)|F.selu(x)""".replace("\n", "|").split("|")
FEATURES = """torch.softmax(x, dim=1)|F.log_softmax(x, dim=1)|F.normalize(x, dim=1)|x - x.mean(dim=1, keepdim=True)|x / (x.abs().amax(dim=1, keepdim=True) + 1e-3)|torch.cumsum(x, dim=1)|x * torch.softmax(x, dim=1)|x * x.pow(2).mean(1, keepdim=True).add(1e-5).rsqrt()|x - torch.logsumexp(x, dim=1, keepdim=True)
x.flip(1) + x|torch.cat([x, -x], 1)[:, ::2]|x.roll(1, 1) * x""".replace("\n", "|").split("|")
ENDS = """torch.logsumexp(x, dim=1, keepdim=True)|x.sum(dim=1, keepdim=True)|x.mean(dim=1)|x.amax(dim=1, keepdim=True)|torch.argmax(x, dim=1)|x.amin(dim=1)|x.std(dim=1)|torch.norm(x, dim=1)|x.flatten(1).sum(1)|x.topk(2, dim=1).values|x.mean()""".replace("\n", "|").split("|")
PICTURES = """self.batch_norm(x)|self.group_norm(x)|self.instance_norm(x)|x.mean(dim=(2,{rest}), keepdim=True) * x|x * self.gate(F.adaptive_avg_pool{d}d(x, 1)).sigmoid()|x + self.point(x)|F.{kind}_pool{d}d(x, 2)|F.{kind}_pool{d}d(x, 3, stride=1, padding=1)|x - x.amax(dim=(2,{rest}), keepdim=True)|F.interpolate(x, scale_factor=2)|F.pad(x, {pad})|x.transpose(1, -1).softmax(-1).transpose(1, -1)""".split("|")
PICTURE_ENDS = """F.adaptive_avg_pool{d}d(x, 1).flatten(1)|x.mean(dim=(2,{rest}))|x.amax(dim=(2,{rest}))|x.flatten(2).transpose(1, 2)|x.sum(dim=(1, 2,{rest}))|F.adaptive_max_pool{d}d(x, 2)""".split("|")
ROWS = """self.layer_norm(x)|F.layer_norm(x, (x.size(1),))|self.again(x)|x + self.again(x)|self.batch_norm(x)|self.group_norm(x)|x @ self.again.weight|F.glu(torch.cat([x, x * 0.5], 1))|(x.unsqueeze(1) * self.pool).sum(1)|F.max_pool1d(x.unsqueeze(1), 3, stride=1, padding=1).squeeze(1)|F.avg_pool1d(x.unsqueeze(1), 2).squeeze(1).repeat(1, 2)""".split("|")


def chain(draw, scale):
    base = draw.choice(["conv", "conv", "conv", "transposed", "linear", "linear", "matmul", "bmm"])
    layers, steps = [], []
    if base in ("conv", "transposed"):
        dims = draw.choice([1, 2, 2, 2, 3])
        first = convolution(draw, scale, dims, base == "transposed")
        while "groups" in first.layers or "height = 1" in first.text():
            first = convolution(draw, scale, dims, base == "transposed")
        sizes, inputs = dict(first.sizes), first.inputs
        sizes["outputs"] = draw.choice([8, 16, 24])
        layers.append(first.layers)
        begin, width = "self.layer(x)", "outputs"
    else:
        sizes = {"rows": draw.randint(8, 64) * SCALE[scale], "features": draw.randint(16, 96) * SCALE[scale], "outputs": draw.choice([16, 32, 48, 80]) * SCALE[scale]}
        dims, width = 0, "outputs"
        inputs = {"x": "torch.randn(rows, features)"}
        layers.append("self.layer = nn.Linear(features, outputs)")
        begin = {"linear": "self.layer(x)", "matmul": "x @ self.layer.weight.t()", "bmm": "torch.bmm(x.unsqueeze(0).expand(3, -1, -1), self.layer.weight.t().expand(3, -1, -1)).sum(0)"}[base]
    broadcast = ", 1" * dims
    uses = {"self.bias": f"self.bias = nn.Parameter(torch.randn({width}{broadcast}))", "self.scale": f"self.scale = nn.Parameter(torch.randn({width}{broadcast}))",
            "self.batch_norm": f"self.batch_norm = nn.BatchNorm{dims or 1}d({width})", "self.group_norm": f"self.group_norm = nn.GroupNorm(4, {width})",
            "self.instance_norm": f"self.instance_norm = nn.InstanceNorm{dims or 1}d({width})", "self.layer_norm": f"self.layer_norm = nn.LayerNorm({width})",
            "self.gate": f"self.gate = nn.Conv{dims or 1}d({width}, {width}, 1)", "self.point": f"self.point = nn.Conv{dims or 1}d({width}, {width}, 1)",
            "self.again": f"self.again = nn.Linear({width}, {width})", "self.pool": f"self.pool = nn.Parameter(torch.randn(4, {width}) * 0.3)"}
    fill = {"d": dims, "rest": ", ".join(str(3 + i) for i in range(dims - 1)), "kind": draw.choice(["max", "avg"]), "pad": "(" + ", ".join("1" for _ in range(2 * dims)) + ")"}
    resized = False
    length = draw.randint(3, 6)
    for step in range(length):
        choices = [ANYWHERE] * 3 + [FEATURES] + ([PICTURES] * 2 if dims else [ROWS] * 2)
        if step == length - 1 and draw.random() < 0.6:
            choices = [ENDS, PICTURE_ENDS if dims else ENDS]
        text = draw.choice(draw.choice(choices)).format(**fill) if "{" in "".join(choices[-1]) or dims else draw.choice(draw.choice(choices))
        if resized and "first" in text:
            continue
        resized = resized or any(mark in text for mark in ("pool", "interpolate", "pad(", "F.avg"))
        steps.append(text)
    for mark, layer in uses.items():
        if any(mark in step for step in steps):
            layers.append(layer)
    forward = [f"x = {begin}"] + (["first = x"] if any("first" in step for step in steps) else []) + [f"x = {step}" for step in steps] + ["return x"]
    return Problem(label(base + " " + " ".join(step.split("(")[0] for step in steps)), "\n".join(forward), inputs, sizes, "\n".join(layers))
