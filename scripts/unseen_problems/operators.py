"""Single operators, as level 1 has them: each kind once, its options and sizes drawn."""
import io
import tokenize

from .problem import Problem

SCALE = {"small": 1, "medium": 4}

POINTWISE = """F.relu(x)|F.relu6(x * 3)|F.elu(x, alpha=1.3)|F.selu(x)|F.celu(x, alpha=0.7)|F.leaky_relu(x, 0.2)|F.rrelu(x, 0.1, 0.3, training=False)
F.glu(x, dim=-1)|F.gelu(x)|F.gelu(x, approximate='tanh')|F.logsigmoid(x)|F.hardshrink(x, 0.4)|F.tanhshrink(x)|F.softsign(x)|F.softplus(x, beta=2.0, threshold=5.0)
F.softmin(x, dim=-1)|F.softmax(x, dim=1)|F.log_softmax(x, dim=0)|F.softshrink(x, 0.3)|torch.tanh(x)|torch.sigmoid(x)|F.hardsigmoid(x)|F.hardswish(x)|F.silu(x)|F.mish(x)
F.hardtanh(x, -0.5, 1.5)|F.threshold(x, 0.1, -2.0)|F.normalize(x, p=1, dim=1)|F.normalize(x, dim=-1)|F.normalize(x, p=3.0, dim=0)|torch.sinc(x)|torch.erf(x)|torch.erfc(x)
torch.erfinv(torch.tanh(x) * 0.9)|torch.expm1(x)|torch.log1p(x.abs())|torch.sqrt(x.abs())|torch.rsqrt(x.abs() + 0.1)|torch.exp2(x)|torch.log2(x.abs() + 0.1)|torch.log10(x.abs() + 0.1)
torch.sin(x)|torch.cos(x)|torch.tan(torch.tanh(x))|torch.asin(torch.tanh(x) * 0.9)|torch.acos(torch.tanh(x) * 0.9)|torch.atan(x)|torch.sinh(x)|torch.cosh(x)|torch.asinh(x)
torch.acosh(x.abs() + 1.5)|torch.atanh(torch.tanh(x) * 0.9)|torch.lgamma(x.abs() + 0.5)|torch.digamma(x.abs() + 0.5)|torch.special.i0(x)|torch.special.entr(x.abs())|torch.logit(torch.sigmoid(x), eps=1e-3)
torch.round(x * 4)|torch.floor(x * 4)|torch.ceil(x * 4)|torch.trunc(x * 4)|torch.frac(x * 4)|torch.sign(x)|torch.sgn(x) * x|torch.square(x)|x ** 3|x.abs() ** 1.7|torch.reciprocal(x.abs() + 0.5)|-x
torch.deg2rad(x)|torch.nan_to_num(x)|torch.clamp(x, min=-0.3)|torch.clamp(x, -0.3, 0.9)|x.abs()|1.0 / (1.0 + torch.exp(-x))|x * torch.tanh(F.softplus(x))|0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
torch.positive(x) + x.sigmoid_()|torch.where(x > 0, x, torch.exp(x) - 1)|x.masked_fill(x < 0, 0.5)|torch.signbit(x)|torch.isfinite(x)|(x > 0) & (x < 1)|~(x > 0.5)|(x > 0).float() * x|torch.logical_xor(x > 0, x < 1)
torch.tril(x)|torch.triu(x, diagonal=2)|x.T @ x|x.flatten() * 2 + 1|F.hardtanh(x) + F.relu(x.neg())"""

BINARY = """x + y|x - 2 * y|x * y|x / (y.abs() + 0.5)|torch.atan2(x, y)|torch.fmod(x, y.abs() + 0.5)|torch.remainder(x, y.abs() + 0.5)|torch.hypot(x, y)|torch.copysign(x, y)|torch.maximum(x, y)|torch.minimum(x, y)
torch.fmax(x, y)|torch.fmin(x, y)|torch.lerp(x, y, 0.3)|torch.addcmul(x, x, y, value=0.5)|torch.addcdiv(x, x, y.abs() + 1, value=-0.5)|torch.heaviside(x, y)|torch.logaddexp(x, y)|torch.logaddexp2(x, y)
torch.xlogy(x, y.abs() + 0.1)|torch.floor_divide(x, y.abs() + 0.5)|torch.div(x, y.abs() + 0.5, rounding_mode='trunc')|torch.where(x > y, x, y * 2)|x.masked_fill(y > 0, -1.0)|x.pow(2) + y.pow(2)|torch.rsub(x, y)
torch.dist(x, y)|torch.clamp(x, y - 0.5, y + 0.5)|(x - y).abs() > 0.1|torch.isclose(x, y)|x.eq(y)|torch.add(x, y, alpha=2)|torch.sub(x, y, alpha=0.5)|torch.float_power(x.abs() + 0.1, 1.5).float()|(x.abs() + 0.1) ** y
torch.cross(x[..., :3], y[..., :3], dim=-1)|torch.kron(x[0, :5], y[0, :7])|torch.outer(x[0], y[0])|torch.special.xlog1py(x, y.abs())|torch.ldexp(x, torch.tensor(2.0))|torch.mul(x, y.mean(0, keepdim=True))|x + y.sum(-1, keepdim=True)
torch.cosine_similarity(x, y, dim=1)|F.pairwise_distance(x, y)|torch.linalg.vecdot(x, y)|torch.inner(x, y)|torch.cat([x, y], 1)|torch.stack([x, y], 1)|torch.stack([x, y]).mean(0)|torch.hstack([x, y])|torch.vstack([x, y * 2])"""

REDUCTION = """torch.sum(x, dim={d}, keepdim={k})|torch.mean(x, dim={d}, keepdim={k})|torch.amax(x, dim={d}, keepdim={k})|torch.amin(x, dim={d}, keepdim={k})|torch.prod(x * 0.1 + 1, dim={s}, keepdim={k})|torch.std(x, dim={d}, keepdim={k})
torch.var(x, dim={d}, keepdim={k}, correction=0)|torch.var_mean(x, dim={d}, keepdim={k})|torch.std_mean(x, dim={d}, keepdim={k})|torch.norm(x, p=2, dim={d}, keepdim={k})|torch.norm(x, p=1, dim={d}, keepdim={k})|torch.linalg.vector_norm(x, ord=float('inf'), dim={d}, keepdim={k})
torch.linalg.vector_norm(x, ord=3, dim={d}, keepdim={k})|torch.logsumexp(x, dim={d}, keepdim={k})|torch.all(x > -3, dim={s}, keepdim={k})|torch.any(x > 2.5, dim={s}, keepdim={k})|torch.count_nonzero(x > 0.5, dim={s})|torch.median(x, dim={s}, keepdim={k}).values
torch.aminmax(x, dim={s}, keepdim={k})|torch.nansum(x, dim={d}, keepdim={k})|torch.argmax(x, dim={s}, keepdim={k})|torch.argmin(x, dim={s}, keepdim={k})|torch.max(x, dim={s}, keepdim={k})|torch.min(x, dim={s}, keepdim={k})[0]|torch.max(x, dim={s})[1]|torch.sum(x)|torch.mean(x)
torch.max(x)|torch.min(x)|torch.argmax(x)|torch.norm(x)|torch.std(x)|torch.var(x)|torch.prod(x * 0.01 + 1)|x.abs().sum({d})|(x * x).mean({d}, keepdim={k}).sqrt()|torch.cumsum(x, dim={s})|torch.cumprod(x * 0.1 + 1, dim={s})|torch.cummax(x, dim={s}).values
torch.cummin(x, dim={s})[0]|torch.logcumsumexp(x, dim={s})|torch.diff(x, dim={s})|torch.cumsum(x.flip({s}), dim={s}).flip({s})|torch.topk(x, 5, dim={s}).values|torch.sort(x, dim={s})[0]|torch.argsort(x, dim={s})|torch.kthvalue(x, 3, dim={s}).values|torch.trapezoid(x, dim={s})
x - x.mean({d}, keepdim=True)|(x - x.mean({d}, keepdim=True)) / (x.std({d}, keepdim=True) + 1e-5)|x / x.norm(dim={d}, keepdim=True)|x / x.abs().sum({d}, keepdim=True)|x / torch.norm(x)|x.softmax({s}).sum(0)|torch.exp(x - torch.logsumexp(x, {d}, keepdim=True))|x.mean({d}) - x.amax({d})
torch.sum(x > 0, dim={s})|(x > 0).sum({d}).float()|torch.mean((x > 0).float(), dim={d})|torch.renorm(x, 2, 0, 1.0)|torch.quantile(x, 0.3, dim={s})|x.unfold({s}, 4, 2).mean(-1)|torch.flatten(x, 1).sum(1)|torch.nanmean(x, dim={d})|torch.var(x, dim={d}).sqrt().mean()"""

PLACES = """torch.roll(x, (3, -2), (1, 2))|torch.flip(x, [1])|torch.flip(x, [0, 2])|F.pad(x, (1, 2))|F.pad(x, (2, 1, 0, 3), value=0.5)|F.pad(x, (2, 1), mode='reflect')|F.pad(x, (2, 3), mode='replicate')|F.pad(x, (3, 1), mode='circular')|F.pad(x, (-1, -2))
x.repeat(2, 1, 3)|x.repeat_interleave(3, dim=1)|torch.tile(x, (2, 2, 1))|x.permute(2, 0, 1).contiguous()|x.transpose(0, 2) * 2|x.reshape(x.size(0), -1).t().contiguous()|torch.chunk(x, 3, dim=1)[1] * 2|torch.split(x, 2, dim=1)[0] + 1|x[..., ::2] * x[..., ::2].abs()
torch.rot90(x, 1, [1, 2])|torch.diagonal(x, dim1=1, dim2=2) * 2|torch.diag_embed(x[0])|x[..., 1:] - x[..., :-1]|torch.cat([x, x.flip(1), -x], dim=1)|torch.movedim(x, 0, -1).contiguous()|torch.take_along_dim(x, x.argsort(1), dim=1)|x.narrow(1, 1, 2).relu()|x[:, -1] * 2 + x[:, 0]
torch.unbind(x, 1)[0] * torch.unbind(x, 1)[1]|F.one_hot((x[:, 0] > 0).long(), 3).float() * 2|torch.meshgrid(x[0, 0], x[0, 1], indexing='ij')[0] * 2|torch.tril(torch.ones_like(x[0])) * x|x.expand(2, *x.shape).sum(0)|torch.swapaxes(x, 1, 2) + 1|torch.vander(x[0, 0], 4)|torch.linspace(0, 1, x.size(-1), device=x.device) * x
torch.arange(x.size(-1), device=x.device) * x|x * torch.eye(x.size(1), x.size(2), device=x.device)|torch.triu(x, 1).sum(-1)|x.unfold(2, 3, 1).sum(-1)|x.masked_fill(torch.ones(x.size(1), x.size(2), dtype=torch.bool, device=x.device).triu(1), float('-inf')).softmax(-1)|torch.zeros_like(x).copy_(x) + 1|x.unsqueeze(1) * x.unsqueeze(2)"""

INDEXED = """F.embedding(i, self.table)|F.embedding(i, self.table, padding_idx=3).sum(1)|torch.gather(x, 1, i)|torch.gather(x, 1, i).relu() * 2|x.scatter_add(1, i, y)|x.scatter(1, i, y)|torch.zeros_like(x).scatter_add(1, i, y)|torch.index_select(x, 1, i[0])|x.index_select(0, i[:, 0] % rows) * 2
torch.zeros_like(x).index_add(0, i[:, 0] % rows, x)|x.index_add(1, i[0], y)|x[i[:, 0] % rows]|x[:, i[0]]|x[torch.arange(rows, device=x.device), i[:, 0]]|torch.take(x, i)|F.embedding_bag(i, self.table, mode='sum')|F.embedding_bag(i, self.table, mode='mean')|F.one_hot(i, columns).float().sum(1)
x.index_fill(1, i[0], 0.5)|x.scatter_reduce(1, i, y, reduce='amax')|x.scatter_reduce(1, i, y, reduce='mean')|torch.where(i > 10, y, x[:, :width])|F.embedding(i, self.table) * y.unsqueeze(-1)|F.layer_norm(F.embedding(i, self.table), (24,))|torch.bucketize(x, torch.linspace(-2, 2, 9, device=x.device))|x.index_copy(1, torch.arange(width, device=x.device), y)
F.cross_entropy(x, i[:, 0])|F.nll_loss(F.log_softmax(x, 1), i[:, 0], reduction='none')|F.multi_margin_loss(x, i[:, 0])|torch.isin(i, i[0])|(i.float() * y).sum()|i * 2 + 1|i.sum(1)|i.cumsum(1)|(i % 7).float() * y|F.embedding(i, self.table).mean(1) @ self.table.t()|torch.logsumexp(x, 1) - x.gather(1, i[:, :1]).squeeze(1)"""

# Of x, y in rows of width columns; {r} is a reduction.
LOSSES = """F.l1_loss(x, y, reduction={r})|F.mse_loss(x, y, reduction={r})|F.smooth_l1_loss(x, y, beta=0.5, reduction={r})|F.huber_loss(x, y, delta=0.7, reduction={r})|F.binary_cross_entropy(torch.sigmoid(x), torch.sigmoid(y), reduction={r})|F.binary_cross_entropy_with_logits(x, torch.sigmoid(y), reduction={r})
F.binary_cross_entropy_with_logits(x, (y > 0).float(), pos_weight=torch.full((columns,), 2.0, device=x.device), reduction={r})|F.binary_cross_entropy(torch.sigmoid(x), torch.sigmoid(y), weight=y.abs(), reduction={r})|F.cross_entropy(x, F.softmax(y, 1), reduction={r})|F.cross_entropy(x, y.argmax(1), label_smoothing=0.1, reduction={r})
F.cross_entropy(x, y.argmax(1), weight=torch.arange(1, columns + 1, device=x.device).float(), reduction={r})|F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction={r})|F.kl_div(F.log_softmax(x, 1), F.log_softmax(y, 1), log_target=True, reduction={r})|F.soft_margin_loss(x, torch.sign(y), reduction={r})
F.multilabel_soft_margin_loss(x, (y > 0).float(), reduction={r})|F.hinge_embedding_loss(x, torch.sign(y), margin=0.8, reduction={r})|F.margin_ranking_loss(x, y, torch.sign(x), margin=0.2, reduction={r})|F.cosine_embedding_loss(x, y, torch.sign(x[:, 0]), margin=0.1, reduction={r})|F.triplet_margin_loss(x, y, x.flip(0), margin=0.7, reduction={r})
F.triplet_margin_loss(x, y, y.roll(1, 0), p=1, swap=True, reduction={r})|F.poisson_nll_loss(x, y.abs(), reduction={r})|F.poisson_nll_loss(x.abs(), y.abs(), log_input=False, full=True, reduction={r})|F.gaussian_nll_loss(x, y, y.abs() + 0.1, reduction={r})|F.multi_margin_loss(x, y.argmax(1), p=2, reduction={r})
F.nll_loss(F.log_softmax(x, 1), y.argmax(1), reduction={r})|F.multilabel_margin_loss(x, y.argsort(1), reduction={r})|F.triplet_margin_with_distance_loss(x, y, y.flip(0), distance_function=lambda a, b: 1 - F.cosine_similarity(a, b), reduction={r})|F.cross_entropy(x.view(rows, columns, 1).expand(-1, -1, 3), y.argmax(1, keepdim=True).expand(-1, 3), reduction={r})"""

# a: m x k, b: k x n, c: n x k, v: k, s: p x m x k, t: p x k x n, q: p x n x k
PRODUCTS = """a @ b|a @ c.t()|b.t() @ a.t()|a @ v|v @ b|torch.dot(v, v * 2)|s @ t|torch.bmm(s, q.transpose(1, 2))|s @ b|a @ t|torch.matmul(s, v)|torch.einsum('pmk,kn->pmn', s, b)|torch.einsum('pmk,pnk->pmn', s, q)|torch.einsum('mk,nk->mn', a, c)|torch.einsum('pmk,pmk->pm', s, s)
torch.einsum('mk,k->m', a, v)|torch.einsum('pmk->pkm', s) * 2|torch.einsum('mk,mj->kj', a, a)|torch.tril(a @ a.t())|torch.triu(a.t() @ a)|torch.tril(a) @ b|torch.diag(v) @ b|a @ torch.diag(v)|v.unsqueeze(1) * b|torch.tensordot(s, t, dims=([2], [1]))|torch.chain_matmul(a, b, c)
torch.addmm(torch.ones(n, device=a.device), a, b, beta=0.5, alpha=2)|torch.baddbmm(s @ t, s, t, alpha=0.5)|torch.addmv(a[:, 0], a, v)|torch.addbmm(a @ b, s, t)|torch.outer(v, v)|F.linear(a, c)|F.linear(s, c, c[:, 0])|F.relu(F.linear(a, c)) + 1|F.bilinear(a[:, :6], a[:, 6:14], torch.ones(5, 6, 8, device=a.device))
torch.cdist(a, c)|torch.cdist(s, q, p=1)|a.unsqueeze(0) @ t|(s.unsqueeze(1) @ t.unsqueeze(0)).sum(1)|(a @ b).softmax(-1)|torch.linalg.multi_dot([a, b, c])|s.sum(0) @ b|(a @ b).sum(1)|(a @ b).amax(0)|a.t().contiguous().t() @ b|torch.matrix_power(a.t() @ a / k, 3)|torch.mm(a, b).t().relu()|(a * 2) @ (b + 1)
F.scaled_dot_product_attention(s, q, q)|F.scaled_dot_product_attention(s.unsqueeze(1), q.unsqueeze(1), q.unsqueeze(1), is_causal=True)|torch.softmax(s @ q.transpose(1, 2) / math.sqrt(k), -1) @ q|F.scaled_dot_product_attention(s, q, q, attn_mask=torch.ones(m, n, dtype=torch.bool, device=s.device).tril(), scale=0.2)|torch.block_diag(a, b)|torch.trace(a @ a.t())"""

NORMS = """nn.BatchNorm{d}d(channels)|nn.BatchNorm{d}d(channels, affine=False)|nn.BatchNorm{d}d(channels, eps=1e-3, momentum=0.3).eval()|nn.InstanceNorm{d}d(channels)|nn.InstanceNorm{d}d(channels, affine=True)|nn.GroupNorm(4, channels)|nn.GroupNorm(1, channels, affine=False)
nn.GroupNorm(channels, channels)|nn.LocalResponseNorm(3)|nn.Softmax2d() if {d} == 2 else nn.Softmax(1)|nn.ChannelShuffle(4) if {d} == 2 else nn.Identity()|nn.Dropout(0.0)|nn.PReLU(channels)|nn.LogSoftmax(dim=1)|nn.CosineSimilarity(dim=1)|nn.LayerNorm(x_shape)|nn.RMSNorm(x_shape)|nn.LayerNorm(x_shape[-1], bias=False)
nn.RMSNorm(x_shape[-1], eps=1e-6)|nn.LayerNorm(x_shape[-1], elementwise_affine=False)"""

POOLS = """nn.MaxPool{d}d({k}, stride={s}, padding={p}, dilation={l}, ceil_mode={c})|nn.AvgPool{d}d({k}, stride={s}, padding={p}, ceil_mode={c}, count_include_pad={i})|nn.AvgPool{d}d({k})|nn.MaxPool{d}d({k}, stride=1)|nn.LPPool{d}d(2, {k}, stride={s})|nn.AdaptiveAvgPool{d}d(1)|nn.AdaptiveMaxPool{d}d(1)|nn.AdaptiveAvgPool{d}d(3)
nn.AdaptiveMaxPool{d}d(4)|nn.AdaptiveAvgPool{d}d(5)|nn.MaxPool{d}d({k}, return_indices=True)|nn.Upsample(scale_factor=2)|nn.Upsample(scale_factor=2, mode=['linear', 'bilinear', 'trilinear'][{d} - 1])|nn.Upsample(scale_factor=2, mode=['linear', 'bilinear', 'trilinear'][{d} - 1], align_corners=True)|nn.Upsample(size={u})|nn.ConstantPad{d}d(2, 0.3)
nn.ReflectionPad{d}d(2)|nn.ReplicationPad{d}d(1)|nn.ZeroPad{d}d(1)"""


def entries(text):
    return [entry.strip() for line in text.strip().split("\n") for entry in line.split("|") if entry.strip()]


def label(expression):
    kept = "".join(c if c.isalnum() else "_" for c in expression.replace("torch.", "").replace("F.", "").replace("nn.", "").replace("self.", ""))
    while "__" in kept:
        kept = kept.replace("__", "_")
    return kept.strip("_")[:60]


def images(draw, scale, dims):
    """(sizes, shape) of a batch of images."""
    most = {1: 300, 2: 30, 3: 11}[dims]
    sizes = {"batch": draw.choice([2, 3, 4]), "channels": draw.choice([4, 8, 12, 20]) * SCALE[scale]}
    names = ["depth", "height", "width"][3 - dims:]
    for name in names:
        sizes[name] = draw.randint(most // 2, most) * (2 if scale == "medium" else 1)
    return sizes, "batch, channels, " + ", ".join(names)


def convolution(draw, scale, dims, transposed):
    sizes, shape = images(draw, scale, dims)
    groups = draw.choice([1, 1, 1, 2, "channels"])
    sizes["channels"] = draw.choice([3, 4, 8, 16]) * SCALE[scale] if groups == 1 else draw.choice([4, 8, 16]) * SCALE[scale]
    sizes["outputs"] = "channels" if groups == "channels" and draw.random() < 0.7 else "channels * 2" if groups == "channels" else draw.choice([6, 8, 16, 34])
    own = lambda choices: str(tuple(draw.choice(choices) for _ in range(dims))) if draw.random() < 0.4 else str(draw.choice(choices))
    options = [own([1, 2, 3, 3, 5] if dims < 3 else [1, 2, 3])]
    stride, dilation = own([1, 1, 2, 3]), own([1, 1, 2])
    if stride != "1":
        options.append(f"stride={stride}")
    if dilation != "1":
        options.append(f"dilation={dilation}")
    if groups != 1:
        options.append(f"groups={groups}")
    if draw.random() < 0.4:
        options.append("bias=False")
    if draw.random() < 0.6 and not transposed:
        options.append(f"padding={own([1, 1, 2])}")
        mode = draw.choice(["zeros", "zeros", "zeros", "circular", "reflect", "replicate"])
        if mode != "zeros":
            options.append(f"padding_mode='{mode}'")
    elif not transposed and stride == "1" and draw.random() < 0.5:
        options.append("padding='same'")
    elif transposed and draw.random() < 0.5 and "1" not in options[0]:
        options.append("padding=1")
    name = f"nn.Conv{'Transpose' if transposed else ''}{dims}d(channels, outputs, {', '.join(options)})"
    return Problem(label(name), "self.layer(x)", {"x": f"torch.randn({shape})"}, sizes, f"self.layer = {name}")


def windows(draw, scale, text, dims):
    sizes, shape = images(draw, scale, dims)
    kernel = draw.choice([2, 3, 4])
    filled = text.format(d=dims, k=kernel, s=draw.choice([1, 2, 3]), p=draw.choice([0, kernel // 2]), l=draw.choice([1, 1, 2]) if kernel < 4 else 1,
                         c=draw.choice([True, False]), i=draw.choice([True, False]), u=draw.choice([7, 40]))
    if "x_shape" in filled:
        filled = filled.replace("x_shape[-1]", "width").replace("x_shape", f"({shape.removeprefix('batch, ')})")
    inputs = {"x": f"torch.randn({shape})"}
    forward = "self.layer(x)"
    if "Cosine" in filled:
        inputs["y"] = inputs["x"]
        forward = "self.layer(x, y)"
    return Problem(label(filled), forward, inputs, sizes, f"self.layer = {filled}")


def everything(draw, scale):
    """One problem of each kind."""
    found = []
    grow = SCALE[scale]
    for text in entries(POINTWISE):
        sizes = {"rows": draw.randint(20, 60) * grow, "columns": draw.randint(40, 300) * 2 * grow}
        found.append(Problem(label(text), text, {"x": "torch.randn(rows, columns)"}, sizes))
    for text in entries(BINARY):
        sizes = {"rows": draw.randint(20, 60) * grow, "columns": draw.randint(40, 300) * grow}
        found.append(Problem(label(text), text, {"x": "torch.randn(rows, columns)", "y": "torch.randn(rows, columns)"}, sizes))
    for text in entries(REDUCTION):
        sizes = {"batch": draw.randint(5, 16), "rows": draw.randint(9, 40) * grow, "columns": draw.randint(30, 90) * grow}
        filled = text.format(d=draw.choice(["0", "1", "2", "-1", "(1, 2)", "(0, 2)", "(0, 1)"]), s=draw.choice(["0", "1", "2", "-1"]), k=draw.choice([True, False]))
        found.append(Problem(label(filled), filled, {"x": "torch.randn(batch, rows, columns)"}, sizes))
    for text in entries(PLACES):
        sizes = {"batch": draw.randint(4, 12), "rows": draw.randint(9, 40) * grow, "columns": draw.randint(30, 90) * grow}
        found.append(Problem(label(text), text, {"x": "torch.randn(batch, rows, columns)"}, sizes))
    for text in entries(INDEXED):
        sizes = {"rows": draw.randint(20, 50) * grow, "columns": draw.randint(60, 200) * grow, "width": draw.randint(5, 30)}
        given = {"x": "torch.randn(rows, columns)", "i": "torch.randint(0, columns, (rows, width))", "y": "torch.randn(rows, width)"}
        used = {name: value for name, value in given.items() if any(part == name for part in words(text))}
        layers = "self.table = nn.Parameter(torch.randn(columns, 24))" if "table" in text else "pass"
        found.append(Problem(label(text), text, used, sizes, layers))
    for text in entries(LOSSES):
        sizes = {"rows": draw.randint(20, 90) * grow, "columns": draw.randint(30, 200) * grow}
        reductions = ["'mean'", "'sum'", "'none'"] + (["'batchmean'"] if "kl_div" in text else [])
        filled = text.format(r=draw.choice(reductions))
        found.append(Problem(label(filled), filled, {"x": "torch.randn(rows, columns)", "y": "torch.randn(rows, columns)"}, sizes))
    for text in entries(PRODUCTS):
        sizes = {"m": draw.randint(16, 60) * grow, "n": draw.randint(16, 60) * grow, "k": draw.randint(5, 16) * 4 * grow, "p": draw.randint(2, 6)}
        given = {"a": "m, k", "b": "k, n", "c": "n, k", "v": "k", "s": "p, m, k", "t": "p, k, n", "q": "p, n, k"}
        used = {name: f"torch.randn({shape})" for name, shape in given.items() if name in words(text)}
        found.append(Problem(label(text), text, used, sizes))
    for text in entries(NORMS) + entries(POOLS):
        for dims in draw.sample([1, 2, 3], 2):
            found.append(windows(draw, scale, text, dims))
    for dims in (1, 2, 3):
        for transposed in (False, True):
            found.extend(convolution(draw, scale, dims, transposed) for _ in range(6))
    return found


def words(text):
    """Names in an expression, those behind a dot and in quotes left out."""
    found, before = set(), ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and before != ".":
            found.add(token.string)
        before = token.string
    return found
