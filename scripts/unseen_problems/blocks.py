"""Blocks of networks, as level 3 has them; widths and lengths are drawn."""
from .operators import SCALE
from .problem import Problem

TOKENS = {"x": "torch.randn(batch, length, width)"}
IMAGES = {"x": "torch.randn(batch, channels, size, size)"}


def tokens(draw, scale):
    return {"batch": draw.choice([1, 2, 3]), "length": draw.choice([17, 24, 40]) * SCALE[scale], "width": draw.choice([32, 48, 64]) * SCALE[scale], "heads": draw.choice([2, 4])}


def images(draw, scale):
    return {"batch": draw.choice([1, 2, 3]), "channels": draw.choice([8, 16, 24]) * SCALE[scale], "size": draw.choice([12, 16, 20]) * SCALE[scale]}


ATTENTION = """
class Attention(nn.Module):
    def __init__(self, width, heads, shared):
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, width // heads
        self.q, self.kv = nn.Linear(width, width, bias=False), nn.Linear(width, 2 * shared * self.size, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, l, w = x.shape
        q = self.q(x).view(b, l, self.heads, self.size).transpose(1, 2)
        k, v = self.kv(x).view(b, l, 2, self.shared, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = rotate(q), rotate(k)
        k, v = (t.repeat_interleave(self.heads // self.shared, dim=1) for t in (k, v))
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, l, w))


def rotate(x):
    half = x.size(-1) // 2
    angles = torch.arange(x.size(-2), device=x.device).float()[:, None] * 10000.0 ** (-torch.arange(half, device=x.device).float() / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)
"""

# name, helpers, layers, forward, inputs, sizes
BLOCKS = [
    ("rotary_grouped_query_attention", ATTENTION, "self.norm = nn.RMSNorm(width)\nself.attention = Attention(width, heads, heads // 2)", "x + self.attention(self.norm(x))", TOKENS, tokens),
    ("decoder_layer", ATTENTION, "self.a, self.b = nn.RMSNorm(width), nn.RMSNorm(width)\nself.attention = Attention(width, heads, 1)\nself.up, self.gate, self.down = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, 2 * width, bias=False), nn.Linear(2 * width, width, bias=False)",
     "x = x + self.attention(self.a(x))\nh = self.b(x)\nreturn x + self.down(F.silu(self.gate(h)) * self.up(h))", TOKENS, tokens),
    ("interleaved_rotary", "", "self.q = nn.Linear(width, width)", "q = self.q(x)\na = torch.arange(x.size(1), device=x.device).float()[:, None] / 100.0 ** (torch.arange(0, q.size(-1), 2, device=x.device).float() / q.size(-1))\neven, odd = q[..., 0::2], q[..., 1::2]\nreturn torch.stack([even * a.cos() - odd * a.sin(), even * a.sin() + odd * a.cos()], -1).flatten(-2)", TOKENS, tokens),
    ("encoder_layer", "", "self.layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)", "self.layer(x)", TOKENS, tokens),
    ("multihead_attention", "", "self.attention = nn.MultiheadAttention(width, heads, batch_first=True)", "self.attention(x, x, x)[0]", TOKENS, tokens),
    ("alibi_attention", "", "self.qkv = nn.Linear(width, 3 * width)\nself.heads = heads", "b, l, w = x.shape\nq, k, v = self.qkv(x).view(b, l, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)\nplace = torch.arange(l, device=x.device)\nslopes = 2.0 ** -torch.arange(1, self.heads + 1, device=x.device)\nbias = -slopes[:, None, None] * (place[:, None] - place[None]).abs()\nreturn (torch.softmax(q @ k.transpose(-2, -1) / (w // self.heads) ** 0.5 + bias, -1) @ v).transpose(1, 2).reshape(b, l, w)", TOKENS, tokens),
    ("linear_attention", "", "self.qkv = nn.Linear(width, 3 * width)", "q, k, v = self.qkv(x).chunk(3, -1)\nq, k = F.elu(q) + 1, F.elu(k) + 1\nreturn (q @ (k.transpose(1, 2) @ v)) / (q @ k.sum(1).unsqueeze(-1) + 1e-6)", TOKENS, tokens),
    ("mixture_of_experts", "", "self.gate = nn.Linear(width, 4)\nself.up = nn.Parameter(torch.randn(4, width, 2 * width) * 0.1)\nself.down = nn.Parameter(torch.randn(4, 2 * width, width) * 0.1)", "weights = self.gate(x).softmax(-1)\nh = F.gelu(torch.einsum('blw,ewh->bleh', x, self.up))\nreturn torch.einsum('bleh,ehw,ble->blw', h, self.down, weights)", TOKENS, tokens),
    ("top_two_experts", "", "self.gate = nn.Linear(width, 4)\nself.experts = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(4))", "score = self.gate(x)\nbest = score >= score.topk(2, -1).values[..., -1:]\nweights = score.masked_fill(~best, float('-inf')).softmax(-1)\nreturn sum(weights[..., e:e + 1] * expert(x) for e, expert in enumerate(self.experts))", TOKENS, tokens),
    ("selective_scan", "", "self.x = nn.Linear(width, width + 16)\nself.a = nn.Parameter(-torch.rand(width, 8) - 0.1)\nself.d = nn.Parameter(torch.ones(width))", "h = self.x(x)\nstep, b, c = F.softplus(h[..., :-16]), h[..., -16:-8], h[..., -8:]\ndecay = torch.exp(step.unsqueeze(-1) * self.a)\ndrive = (step * x).unsqueeze(-1) * b.unsqueeze(2)\nstate = torch.zeros(x.size(0), x.size(2), 8, device=x.device)\nout = []\nfor t in range(x.size(1)):\n    state = decay[:, t] * state + drive[:, t]\n    out.append((state * c[:, t].unsqueeze(1)).sum(-1))\nreturn torch.stack(out, 1) + self.d * x", TOKENS, tokens),
    ("gated_convolution_of_a_sequence", "", "self.inside = nn.Linear(width, 2 * width)\nself.conv = nn.Conv1d(width, width, 4, padding=3, groups=width)\nself.out = nn.Linear(width, width)", "a, z = self.inside(x).chunk(2, -1)\na = F.silu(self.conv(a.transpose(1, 2))[..., :x.size(1)].transpose(1, 2))\nreturn self.out(a * F.silu(z))", TOKENS, tokens),
    ("exponential_average", "", "self.decay = nn.Parameter(torch.rand(width))", "a = torch.sigmoid(self.decay)\nplace = torch.arange(x.size(1), device=x.device)\npowers = a[None, None] ** (place[:, None] - place[None]).clamp(min=0)[..., None]\nmask = torch.tril(torch.ones(x.size(1), x.size(1), device=x.device))[..., None]\nreturn torch.einsum('tsw,bsw->btw', powers * mask, x) * (1 - a)", TOKENS, tokens),
    ("token_mixer", "", "self.a, self.b = nn.LayerNorm(width), nn.LayerNorm(width)\nself.tokens = nn.Sequential(nn.Linear(length, 2 * length), nn.GELU(), nn.Linear(2 * length, length))\nself.channels = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))", "x = x + self.tokens(self.a(x).transpose(1, 2)).transpose(1, 2)\nreturn x + self.channels(self.b(x))", TOKENS, tokens),
    ("convnext", "", "self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)\nself.norm = nn.LayerNorm(channels)\nself.up, self.down = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)\nself.gamma = nn.Parameter(torch.full((channels,), 0.3))", "h = self.norm(self.depthwise(x).permute(0, 2, 3, 1))\nreturn x + (self.gamma * self.down(F.gelu(self.up(h)))).permute(0, 3, 1, 2)", IMAGES, images),
    ("u_net", "", "c = channels\nself.a = nn.Sequential(nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU())\nself.b = nn.Sequential(nn.Conv2d(c, 2 * c, 3, padding=1), nn.BatchNorm2d(2 * c), nn.ReLU())\nself.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)\nself.out = nn.Conv2d(2 * c, 5, 1)", "a = self.a(x)\nb = self.b(F.max_pool2d(a, 2))\nreturn self.out(torch.cat([a, self.up(b)], 1))", IMAGES, images),
    ("squeeze_and_excite", "", "c = channels\nself.conv, self.norm = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)\nself.squeeze, self.excite = nn.Linear(c, c // 4), nn.Linear(c // 4, c)", "h = self.norm(self.conv(x))\ng = torch.sigmoid(self.excite(F.relu(self.squeeze(h.mean((2, 3))))))\nreturn F.relu(h * g[:, :, None, None] + x)", IMAGES, images),
    ("inverted_bottleneck", "", "c = channels\nself.layers = nn.Sequential(nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c), nn.ReLU6(), nn.Conv2d(4 * c, 4 * c, 3, padding=1, groups=4 * c, bias=False), nn.BatchNorm2d(4 * c), nn.ReLU6(), nn.Conv2d(4 * c, c, 1, bias=False), nn.BatchNorm2d(c))", "x + self.layers(x)", IMAGES, images),
    ("diffusion_residual", "", "c = channels\nself.a, self.b = nn.GroupNorm(4, c), nn.GroupNorm(4, c)\nself.first, self.second = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)\nself.time = nn.Linear(32, 2 * c)", "waves = torch.exp(torch.arange(16, device=x.device) * (-math.log(10000) / 15))\nangles = t[:, None] * waves\nscale, shift = self.time(F.silu(torch.cat([angles.sin(), angles.cos()], 1)))[:, :, None, None].chunk(2, 1)\nh = self.first(F.silu(self.a(x)))\nreturn x + self.second(F.silu(self.b(h) * (1 + scale) + shift))", {**IMAGES, "t": "torch.rand(batch) * 100"}, images),
    ("patches", "", "self.patch = nn.Conv2d(channels, 32, 4, stride=4)\nself.place = nn.Parameter(torch.randn(1, (size // 4) ** 2 + 1, 32))\nself.cls = nn.Parameter(torch.randn(1, 1, 32))\nself.norm = nn.LayerNorm(32)", "h = self.patch(x).flatten(2).transpose(1, 2)\nh = torch.cat([self.cls.expand(h.size(0), -1, -1), h], 1) + self.place\nreturn self.norm(h)", IMAGES, images),
    ("window_attention", "", "self.qkv = nn.Linear(channels, 3 * channels)\nself.bias = nn.Parameter(torch.randn(16, 16))", "b, c, h, w = x.shape\np = x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)\nq, k, v = self.qkv(p).chunk(3, -1)\np = torch.softmax(q @ k.transpose(1, 2) * c ** -0.5 + self.bias, -1) @ v\nreturn p.view(b, h // 4, w // 4, 4, 4, c).permute(0, 5, 1, 3, 2, 4).reshape(b, c, h, w)", IMAGES, images),
    ("non_local", "", "c = channels\nself.q, self.k, self.v = nn.Conv2d(c, c // 2, 1), nn.Conv2d(c, c // 2, 1), nn.Conv2d(c, c, 1)\nself.gamma = nn.Parameter(torch.ones(1))", "b, c, h, w = x.shape\nq, k, v = self.q(x).flatten(2), self.k(x).flatten(2), self.v(x).flatten(2)\nweights = torch.softmax(q.transpose(1, 2) @ k, -1)\nreturn self.gamma * (v @ weights.transpose(1, 2)).view(b, c, h, w) + x", IMAGES, images),
    ("spatial_attention", "", "self.conv = nn.Conv2d(2, 1, 7, padding=3)", "x * torch.sigmoid(self.conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))", IMAGES, images),
    ("adaptive_instance_norm", "", "self.style = nn.Linear(8, 2 * channels)", "scale, shift = self.style(t)[:, :, None, None].chunk(2, 1)\nmean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True)\nreturn (x - mean) / torch.sqrt(var + 1e-5) * (1 + scale) + shift", {**IMAGES, "t": "torch.randn(batch, 8)"}, images),
    ("pyramid", "", "self.a, self.b = nn.Conv2d(channels, 8, 1), nn.Conv2d(channels, 8, 1)\nself.out = nn.Conv2d(8, 8, 3, padding=1)", "small = self.b(F.avg_pool2d(x, 2))\nreturn self.out(self.a(x) + F.interpolate(small, scale_factor=2, mode='nearest'))", IMAGES, images),
    ("inception", "", "c = channels\nself.a, self.b, self.c = nn.Conv2d(c, 6, 1), nn.Conv2d(c, 9, 3, padding=1), nn.Conv2d(c, 5, 5, padding=2)", "torch.cat([F.relu(self.a(x)), F.relu(self.b(x)), F.relu(self.c(x)), F.max_pool2d(x, 3, 1, 1)], 1)", IMAGES, images),
    ("lstm_cells", "", "self.cell = nn.LSTMCell(width, 32)", "h = c = torch.zeros(x.size(0), 32, device=x.device)\nout = []\nfor t in range(x.size(1)):\n    h, c = self.cell(x[:, t], (h, c))\n    out.append(h)\nreturn torch.stack(out, 1)", TOKENS, tokens),
    ("gru_cells", "", "self.i, self.h = nn.Linear(width, 96), nn.Linear(32, 96)", "h = torch.zeros(x.size(0), 32, device=x.device)\nfor t in range(x.size(1)):\n    r, z, n = self.i(x[:, t]).chunk(3, -1)\n    a, b, c = self.h(h).chunk(3, -1)\n    r, z = torch.sigmoid(r + a), torch.sigmoid(z + b)\n    h = (1 - z) * torch.tanh(n + r * c) + z * h\nreturn h", TOKENS, tokens),
    ("elman", "", "self.rnn = nn.RNN(width, 24, num_layers=2, batch_first=True, nonlinearity='relu')", "self.rnn(x)[0]", TOKENS, tokens),
    ("lstm_and_head", "", "self.lstm = nn.LSTM(width, 32, num_layers=2, batch_first=True)\nself.head = nn.Linear(32, 7)", "self.head(self.lstm(x)[0][:, -1]).softmax(-1)", TOKENS, tokens),
    ("gru_both_ways", "", "self.gru = nn.GRU(width, 20, bidirectional=True, batch_first=True)", "y, h = self.gru(x)\nreturn y * torch.sigmoid(h.sum(0)).repeat(1, 2).unsqueeze(1)", TOKENS, tokens),
    ("graph_convolution", "", "self.weight = nn.Linear(width, width)\nself.itself = nn.Linear(width, width)", "h = self.weight(x)[source]\nsummed = torch.zeros_like(x).index_add(0, target, h)\ndegree = torch.zeros(x.size(0), device=x.device).index_add(0, target, torch.ones_like(target, dtype=x.dtype))\nreturn F.relu(summed / degree.clamp(min=1)[:, None] + self.itself(x))", {"x": "torch.randn(nodes, width)", "source": "torch.randint(0, nodes, (edges,))", "target": "torch.randint(0, nodes, (edges,))"}, lambda draw, scale: {"nodes": draw.choice([40, 70]) * SCALE[scale], "edges": draw.choice([200, 333]) * SCALE[scale], "width": draw.choice([24, 32])}),
    ("edge_messages", "", "self.edge = nn.Linear(2 * width, width)\nself.norm = nn.LayerNorm(width)", "m = F.silu(self.edge(torch.cat([x[source], x[target]], -1)))\nreturn self.norm(x.index_add(0, target, m))", {"x": "torch.randn(nodes, width)", "source": "torch.randint(0, nodes, (edges,))", "target": "torch.randint(0, nodes, (edges,))"}, lambda draw, scale: {"nodes": draw.choice([40, 70]) * SCALE[scale], "edges": draw.choice([200, 333]) * SCALE[scale], "width": draw.choice([24, 32])}),
    ("point_cloud", "", "self.a, self.b = nn.Conv1d(3, 32, 1), nn.Conv1d(32, 64, 1)\nself.n = nn.BatchNorm1d(32)\nself.head = nn.Linear(64, 10)", "h = F.relu(self.n(self.a(x.transpose(1, 2))))\nreturn self.head(self.b(h).max(-1)[0])", {"x": "torch.randn(batch, points, 3)"}, lambda draw, scale: {"batch": 4, "points": draw.choice([50, 111]) * SCALE[scale]}),
    ("variational_encoder", "", "self.e, self.m, self.v, self.d = nn.Linear(width, 40), nn.Linear(40, 8), nn.Linear(40, 8), nn.Linear(8, width)", "h = F.relu(self.e(x))\nm, v = self.m(h), self.v(h)\nz = m + torch.exp(0.5 * v) * noise\nkl = -0.5 * torch.sum(1 + v - m.pow(2) - v.exp(), dim=-1)\nreturn F.mse_loss(self.d(z), x, reduction='none').sum(-1) + kl", {**TOKENS, "noise": "torch.randn(batch, length, 8)"}, tokens),
    ("contrastive", "", "self.a, self.b = nn.Linear(width, 32), nn.Linear(width, 32)", "a, b = F.normalize(self.a(x).mean(1), dim=-1), F.normalize(self.b(x).amax(1), dim=-1)\nlogits = a @ b.t() / 0.07\nlabels = torch.arange(x.size(0), device=x.device)\nreturn (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2", TOKENS, lambda draw, scale: {"batch": draw.choice([8, 13]), "length": 9, "width": draw.choice([16, 24]) * SCALE[scale]}),
    ("highway", "", "self.h, self.t = nn.Linear(width, width), nn.Linear(width, width)", "t = torch.sigmoid(self.t(x))\nreturn t * F.relu(self.h(x)) + (1 - t) * x", TOKENS, tokens),
    ("fourier_features", "", "self.register_buffer('b', torch.randn(width, 16))\nself.out = nn.Linear(32, 8)", "p = 2 * math.pi * x @ self.b\nreturn self.out(torch.cat([torch.sin(p), torch.cos(p)], -1))", TOKENS, tokens),
    ("vector_quantisation", "", "self.codes = nn.Parameter(torch.randn(33, width))", "d = x.pow(2).sum(-1, keepdim=True) - 2 * x @ self.codes.t() + self.codes.pow(2).sum(-1)\nreturn F.embedding(d.argmin(-1), self.codes)", TOKENS, tokens),
    ("net_vlad", "", "self.assign = nn.Linear(width, 6)\nself.centres = nn.Parameter(torch.randn(6, width))", "a = self.assign(x).softmax(-1)\nv = torch.einsum('blk,blw->bkw', a, x) - a.sum(1)[..., None] * self.centres\nreturn F.normalize(F.normalize(v, dim=-1).flatten(1), dim=-1)", TOKENS, tokens),
    ("perceiver", "", "self.latents = nn.Parameter(torch.randn(7, width))\nself.kv = nn.Linear(width, 2 * width)\nself.norm = nn.LayerNorm(width)", "k, v = self.kv(self.norm(x)).chunk(2, -1)\nq = self.latents.expand(x.size(0), -1, -1)\nreturn q + F.scaled_dot_product_attention(q, k, v)", TOKENS, tokens),
    ("shuffle_unit", "", "c = channels // 2\nself.layers = nn.Sequential(nn.Conv2d(c, c, 1), nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1, groups=c), nn.BatchNorm2d(c))", "a, b = x.chunk(2, 1)\ny = torch.cat([a, self.layers(b)], 1)\nn, c, h, w = y.shape\nreturn y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)", IMAGES, images),
    ("dense_block", "", "c = channels\nself.layers = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(c + 6 * i), nn.ReLU(), nn.Conv2d(c + 6 * i, 6, 3, padding=1)) for i in range(3))", "for layer in self.layers:\n    x = torch.cat([x, layer(x)], 1)\nreturn x", IMAGES, images),
    ("cached_rotary_attention", ATTENTION, "self.qkv = nn.Linear(width, 3 * width)\nself.heads = heads", "b, l, w = x.shape\nq, k, v = (t.view(b, l, self.heads, w // self.heads).transpose(1, 2) for t in self.qkv(x).split(w, -1))\nq, k = rotate(q), torch.cat([keys, rotate(k)], 2)\nscore = q @ k.transpose(-2, -1) / math.sqrt(w // self.heads)\nseen = torch.ones(l, k.size(2), dtype=torch.bool, device=x.device).tril(k.size(2) - l)\nreturn score.masked_fill(~seen, float('-inf')).softmax(-1) @ torch.cat([values, v], 2), k", {**TOKENS, "keys": "torch.randn(batch, heads, 11, width // heads)", "values": "torch.randn(batch, heads, 11, width // heads)"}, tokens),
    ("expanded_input", "", "self.out = nn.Linear(width, 8)", "self.out(x * torch.sigmoid(x)).sum(1)", {"x": "torch.randn(batch, 1, width).expand(batch, length, width)"}, tokens),
    ("large_identities", "", "self.out = nn.Linear(width, 8)", "same = (i.unsqueeze(2) == i.unsqueeze(1)).to(x.dtype)\nreturn self.out(same @ x / same.sum(-1, keepdim=True))", {**TOKENS, "i": "torch.randint(0, 5, (batch, length)) + 10 ** 9"}, tokens),
    ("turned_and_padded", "", "self.scale = nn.Parameter(torch.randn(width))", "F.pad(x.flip(1), (0, 0, 2, 0), value=0.5)[:, :x.size(1)] * self.scale", TOKENS, tokens),
]


def every_block(draw, scale):
    return [Problem(name, forward, dict(inputs), sizes(draw, scale), layers, helpers) for name, helpers, layers, forward, inputs, sizes in BLOCKS]
