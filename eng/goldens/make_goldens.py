#!/usr/bin/env python3
"""Makes the golden files of DeepBridge.Testing: what PyTorch computes for every op, layer and optimizer.

Needs PyTorch (Debian: python3-torch) and NumPy. Run it from anywhere:

    python3 eng/goldens/make_goldens.py

Inputs are float32 and everything is computed in float64, so that the files judge the backends and not PyTorch's rounding.
A case `name` is stored as name/in0.., name/out0.., name/incoming0.. (the gradients that came in) and name/grad0.. (those of
the floating inputs). Layers store their parameters as name/state/KEY.
"""
import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TARGET = pathlib.Path(__file__).resolve().parents[2] / "src" / "DeepBridge.Testing" / "Goldens"
rng = np.random.default_rng(20240607)


def write(path, tensors):
    """Writes safetensors: sorted by size of dtype, then name."""
    names = {"float32": "F32", "int64": "I64", "bool": "BOOL", "float64": "F64", "int32": "I32"}
    header, blobs, offset = {"__metadata__": {"torch": torch.__version__}}, [], 0
    for key in sorted(tensors, key=lambda k: (-tensors[k].dtype.itemsize, k)):
        data = np.ascontiguousarray(tensors[key]).tobytes()
        header[key] = {"dtype": names[str(tensors[key].dtype)], "shape": list(tensors[key].shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        blobs.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def narrow(tensor):
    array = tensor.detach().numpy()
    return array.astype(np.float32) if array.dtype == np.float64 else array


def wide(array):
    array = np.asarray(array)
    return torch.tensor(array.astype(np.float64) if array.dtype.kind == "f" else array)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def positive(*shape):
    return (rng.random(shape) * 2 + 0.1).astype(np.float32)


def integers(low, high, *shape):
    return rng.integers(low, high, shape)


ops = {}


def store(target, name, inputs, outputs, wanted, state=None):
    """Stores a case, with the gradients of sum(output * incoming)."""
    for i, value in enumerate(inputs):
        target[f"{name}/in{i}"] = narrow(value)
    total = 0
    for i, value in enumerate(outputs):
        target[f"{name}/out{i}"] = narrow(value)
        if value.requires_grad:
            incoming = wide(normal(*value.shape))
            target[f"{name}/incoming{i}"] = narrow(incoming)
            total = total + (value * incoming.to(value.dtype)).sum()
    if torch.is_tensor(total):
        gradients = torch.autograd.grad(total, [w for _, w in wanted], allow_unused=True)
        for (key, tensor), gradient in zip(wanted, gradients):
            target[f"{name}/{key}"] = narrow(torch.zeros_like(tensor) if gradient is None else gradient)


def case(name, function, *inputs):
    """An op: `function` of tensors gives a tensor or several."""
    tensors = [wide(value) for value in inputs]
    for tensor in tensors:
        tensor.requires_grad_(tensor.is_floating_point())
    outputs = function(*tensors)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    store(ops, name, tensors, outputs, [(f"grad{i}", t) for i, t in enumerate(tensors) if t.requires_grad])


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-8, -1e-8, 80.0, -80.0, 2.5, -2.5], np.float32)

# Arithmetic.
a, b = normal(3, 4), normal(3, 4)
for name, function in {"Add": torch.add, "Subtract": torch.sub, "Multiply": torch.mul, "Divide": torch.div,
                       "Maximum": torch.maximum, "Minimum": torch.minimum}.items():
    case(name, function, a, b)
    case(f"{name}.broadcast", function, normal(2, 1, 4), normal(3, 1))
case("Maximum.ties", torch.maximum, np.array([1, 2, np.nan, 3], np.float32), np.array([1, 3, 0, np.nan], np.float32))
case("Minimum.ties", torch.minimum, np.array([1, 2, np.nan, 3], np.float32), np.array([1, 3, 0, np.nan], np.float32))
left = np.array([7, -7, 7, -7, np.inf, -1, 5, 0.5, -0.0], np.float32)
right = np.array([2, 2, -2, -2, 2, np.inf, 0, 0.25, 3], np.float32)
case("FloorDivide", lambda x, y: torch.floor_divide(x, y).detach(), left, right)
case("FloorDivide.integers", lambda x, y: torch.div(x, y, rounding_mode="floor"), integers(-20, 20, 12), np.array([1, 2, 3, -1, -2, -3, 7, -7, 5, -5, 11, 4]))
case("FloorModulo", torch.remainder, normal(3, 4) * 5, positive(3, 4))
case("FloorModulo.special", lambda x, y: torch.remainder(x, y).detach(), left, right)
case("FloorModulo.integers", torch.remainder, integers(-20, 20, 12), np.array([1, 2, 3, -1, -2, -3, 7, -7, 5, -5, 11, 4]))
case("Power", torch.pow, positive(3, 4), normal(3, 4))
case("Power.special", torch.pow, np.array([0, 0, 2, -2, -2, 3, 0], np.float32), np.array([0, 2, 0, 2, 3, -1, 1], np.float32))

# Unary.
unary = {"Exp": torch.exp, "Expm1": torch.expm1, "Sin": torch.sin, "Cos": torch.cos, "Tanh": torch.tanh, "Erf": torch.erf,
         "Sigmoid": torch.sigmoid, "Relu": torch.relu, "Abs": torch.abs, "Sign": torch.sign, "Floor": torch.floor,
         "Ceiling": torch.ceil, "Round": torch.round, "Negate": torch.neg, "Silu": F.silu, "Gelu": F.gelu,
         "GeluTanh": lambda x: F.gelu(x, approximate="tanh"), "LeakyRelu": lambda x: F.leaky_relu(x, 0.1), "Softplus": F.softplus}
for name, function in unary.items():
    case(name, function, normal(4, 5) * 2)
    case(f"{name}.special", lambda x, f=function: f(x).detach(), SPECIAL)
case("Relu.zero", torch.relu, np.array([0.0, 1.0, -1.0, np.nan], np.float32))
case("Abs.zero", torch.abs, np.array([0.0, 1.0, -1.0], np.float32))
for name, function in {"Log": torch.log, "Log1p": torch.log1p, "Sqrt": torch.sqrt, "Rsqrt": torch.rsqrt}.items():
    case(name, function, positive(4, 5))
    case(f"{name}.special", lambda x, f=function: f(x).detach(), SPECIAL)
case("Clamp", lambda x: x.clamp(-1, 1), np.array([-2, -1, 0, 1, 2], np.float32))
case("Cast", lambda x: x.long(), np.array([1.9, -1.9, 0, 300], np.float32))

# Comparison, logic, selection.
for name, function in {"Equal": torch.eq, "NotEqual": torch.ne, "Less": torch.lt, "LessEqual": torch.le, "Greater": torch.gt,
                       "GreaterEqual": torch.ge}.items():
    case(name, function, np.array([1, 2, 3, np.nan], np.float32), np.array([1, 3, 2, np.nan], np.float32))
t, f = np.array([True, True, False, False]), np.array([True, False, True, False])
case("LogicalAnd", torch.logical_and, t, f)
case("LogicalOr", torch.logical_or, t, f)
case("LogicalXor", torch.logical_xor, t, f)
case("LogicalNot", torch.logical_not, t)
case("Where", torch.where, np.array([[True, False, True]]), normal(2, 3), normal(2, 1))

# Movement.
case("Reshape", lambda x: x.reshape(4, 3), normal(2, 6))
case("Permute", lambda x: x.permute(2, 0, 1), normal(2, 3, 4))
case("Expand", lambda x: x.expand(2, 3, 4), normal(3, 1))
case("Slice", lambda x: x[1:3, 0:5:2], normal(4, 5))
case("Pad", lambda x: F.pad(x, (1, 2, 0, 3), value=0.5), normal(2, 3))
case("Flip", lambda x: x.flip(0, 2), normal(2, 3, 2))
case("Concat", lambda x, y: torch.cat([x, y], 1), normal(2, 3), normal(2, 2))
case("Stack", lambda x, y: torch.stack([x, y], 1), normal(2, 3), normal(2, 3))

# Reductions.
for name, function in {"Sum": torch.sum, "Mean": torch.mean, "Max": torch.amax, "Min": torch.amin}.items():
    case(name, lambda x, f=function: f(x, (0, 2)), normal(2, 3, 4))
    case(f"{name}.keep", lambda x, f=function: f(x, 1, keepdim=True), normal(2, 3, 4))
case("Max.ties", lambda x: torch.amax(x, 1), np.array([[1, 3, 3], [2, 2, 2]], np.float32))
case("Max.nan", lambda x: torch.amax(x, 1).detach(), np.array([[1, np.nan, 3], [2, 2, 2]], np.float32))
case("MaxWithIndices", lambda x: torch.max(x, 1), np.array([[1, 3, 3], [2, 2, 2]], np.float32))
case("Product", lambda x: torch.prod(x, 1), normal(3, 4))
case("Product.zeros", lambda x: torch.prod(x, 1), np.array([[1, 0, 3], [0, 0, 2], [1, 2, 3]], np.float32))
case("ArgMax", lambda x: torch.argmax(x, 1), np.array([[1, 3, 3], [np.nan, 5, np.nan]], np.float32))
case("ArgMin", lambda x: torch.argmin(x, 1), np.array([[1, 0, 0], [np.nan, 5, np.nan]], np.float32))
case("Any", lambda x: torch.any(x, 1), np.array([[True, False], [False, False]]))
case("All", lambda x: torch.all(x, 1), np.array([[True, False], [True, True]]))
case("CumulativeSum", lambda x: torch.cumsum(x, 1), normal(3, 5))
case("Variance", lambda x: torch.var(x, (1, 2), unbiased=True), normal(2, 3, 4) + 100)
case("Variance.biased", lambda x: torch.var(x, 1, unbiased=False, keepdim=True), normal(2, 5))
case("Std", lambda x: torch.std(x, 1), normal(2, 5))
case("LogSumExp", lambda x: torch.logsumexp(x, 1), normal(3, 5) * 10)
case("LogSumExp.special", lambda x: torch.logsumexp(x, 1).detach(), np.array([[-np.inf, -np.inf], [np.inf, 1], [1000, 1000]], np.float32))
case("SquaredNorm", lambda x: (x * x).sum(), normal(3, 5))

# Indexing.
case("Gather", lambda x, i: x[:, i], normal(2, 5, 3), np.array([[0, 4], [4, 2]]))
case("ScatterAdd", lambda x, v, i: x.index_add(0, i, v), normal(4, 2), normal(3, 2), np.array([1, 3, 1]))
case("TakeAlongAxis", lambda x, i: torch.gather(x, 1, i), normal(3, 4), integers(0, 4, 3, 2))
case("OneHot", lambda i: F.one_hot(i, 4).double(), np.array([[0, 3], [2, 1]]))
case("Embedding", lambda i, w: F.embedding(i, w, padding_idx=2), np.array([[0, 2, 3], [3, 1, 2]]), normal(4, 3))

# Products.
case("MatMul", torch.matmul, normal(3, 4), normal(4, 5))
case("MatMul.batched", torch.matmul, normal(2, 1, 3, 4), normal(5, 4, 2))
case("MatMul.vector", torch.matmul, normal(4), normal(2, 4, 3))
case("Linear", F.linear, normal(2, 3, 4), normal(5, 4), normal(5))

# Convolution and pooling.
case("Convolution.1d", lambda x, w, c: F.conv1d(x, w, c, stride=2, padding=1, dilation=2), normal(2, 3, 11), normal(4, 3, 3), normal(4))
case("Convolution.2d", lambda x, w, c: F.conv2d(x, w, c, padding=1), normal(2, 3, 5, 6), normal(4, 3, 3, 3), normal(4))
case("Convolution.groups", lambda x, w: F.conv2d(x, w, stride=(2, 1), dilation=(1, 2), groups=2), normal(2, 4, 7, 8), normal(6, 2, 3, 2))
case("Convolution.depthwise", lambda x, w: F.conv2d(x, w, padding=1, groups=3), normal(2, 3, 5, 5), normal(3, 1, 3, 3))
case("MaxPool.1d", lambda x: F.max_pool1d(x, 3, 2, 1), normal(2, 3, 9))
case("MaxPool.2d", lambda x: F.max_pool2d(x, 2, return_indices=True), normal(2, 3, 6, 5))
case("MaxPool.ties", lambda x: F.max_pool2d(x, 2, return_indices=True), np.array([[[[1, 1, 2, np.nan], [1, 1, np.nan, 2]]]], np.float32))
case("MaxPool.padded", lambda x: F.max_pool2d(x, 3, 2, 1, dilation=1, return_indices=True), normal(2, 2, 7, 7))
case("AveragePool.1d", lambda x: F.avg_pool1d(x, 3, 2, 1), normal(2, 3, 9))
case("AveragePool.2d", lambda x: F.avg_pool2d(x, 2), normal(2, 3, 6, 5))
case("AveragePool.uncounted", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), normal(2, 2, 7, 7))

# Norms, softmax, attention, losses.
case("Softmax", lambda x: F.softmax(x, 1), normal(2, 5, 3) * 3)
case("LogSoftmax", lambda x: F.log_softmax(x, -1), normal(2, 5) * 3)
case("LayerNorm", lambda x, w, c: F.layer_norm(x, (3, 4), w, c), normal(2, 3, 4), normal(3, 4), normal(3, 4))
case("BatchNorm.training", lambda x, w, c: F.batch_norm(x, None, None, w, c, training=True), normal(4, 3, 2, 2), normal(3), normal(3))
case("BatchNorm.evaluation", lambda x, w, c, m, v: F.batch_norm(x, m.detach(), v.detach(), w, c), normal(4, 3, 2), normal(3), normal(3), normal(3), positive(3))


def attention(q, k, v, mask=None, causal=False):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask is not None:
        scores = scores + mask
    return F.softmax(scores, -1) @ v


case("Attention", attention, normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4))
case("Attention.causal", lambda q, k, v: attention(q, k, v, causal=True), normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4))
case("Attention.bool", attention, normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4), np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool))
case("Attention.added", attention, normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4), normal(3, 5))
labels = np.array([0, 3, -100, 2])
case("CrossEntropy", F.cross_entropy, normal(4, 5), labels)
case("CrossEntropy.smoothing", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), normal(4, 5), labels)
case("CrossEntropy.none", lambda x, y: F.cross_entropy(x, y, reduction="none"), normal(4, 5), labels)
case("CrossEntropy.sum", lambda x, y: F.cross_entropy(x, y, reduction="sum", label_smoothing=0.2), normal(4, 5), labels)
case("CrossEntropy.spatial", F.cross_entropy, normal(2, 4, 3), integers(0, 4, 2, 3))
case("CrossEntropy.ignored", lambda x, y: F.cross_entropy(x, y).detach(), normal(2, 4), np.array([-100, -100]))
case("MeanSquaredError", F.mse_loss, normal(3, 4), normal(3, 4))
case("BinaryCrossEntropyWithLogits", F.binary_cross_entropy_with_logits, np.concatenate([normal(9), np.float32([200, -200, 0])]), (rng.random(12) > 0.5).astype(np.float32))

# Layers: the parameters under PyTorch's keys, and the gradients of input and parameters.
layers = {}


def layer(name, module, *inputs, call=None):
    module = module.double()
    tensors = [wide(value) for value in inputs]
    for tensor in tensors:
        tensor.requires_grad_(tensor.is_floating_point())
    with torch.no_grad():
        for key, value in module.state_dict(keep_vars=True).items():
            if value.is_floating_point():
                value.copy_(wide(positive(*value.shape) if "var" in key else normal(*value.shape) * 0.5))
            layers[f"{name}/state/{key}"] = narrow(value).copy()
    outputs = (call or (lambda m, *x: m(*x)))(module, *tensors)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    wanted = [(f"grad{i}", t) for i, t in enumerate(tensors) if t.requires_grad]
    wanted += [(f"gradient/{key}", value) for key, value in module.named_parameters()]
    store(layers, name, tensors, outputs, wanted)
    for key, value in module.named_buffers():
        layers[f"{name}/after/{key}"] = narrow(value).copy()


layer("Linear", nn.Linear(4, 3), normal(5, 4))
layer("Linear.bias", nn.Linear(4, 3, bias=False), normal(2, 5, 4))
layer("Conv1d", nn.Conv1d(2, 4, 3, stride=2, padding=1), normal(2, 2, 9))
layer("Conv2d", nn.Conv2d(2, 4, 3, padding=1, groups=2), normal(2, 2, 5, 5))
layer("BatchNorm.training", nn.BatchNorm2d(3), normal(4, 3, 2, 2))
layer("BatchNorm.evaluation", nn.BatchNorm1d(3).eval(), normal(4, 3))
layer("BatchNorm.cumulative", nn.BatchNorm1d(3, momentum=None), normal(4, 3))
layer("LayerNorm", nn.LayerNorm(5), normal(2, 3, 5))
layer("Embedding", nn.Embedding(6, 3), integers(0, 6, 2, 4))
layer("Sequential", nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), normal(3, 4))
layer("MultiHeadAttention", nn.MultiheadAttention(8, 2, batch_first=True), normal(2, 3, 8), normal(2, 5, 8), normal(2, 5, 8),
      call=lambda m, q, k, v: m(q, k, v, need_weights=False)[0])
encoder = dict(d_model=8, nhead=2, dim_feedforward=16, dropout=0.0, batch_first=True)
layer("TransformerEncoderLayer", nn.TransformerEncoderLayer(**encoder), normal(2, 3, 8))
layer("TransformerEncoderLayer.first", nn.TransformerEncoderLayer(**encoder, norm_first=True, activation="gelu"), normal(2, 3, 8))

# Optimizers: 20 steps from the same gradients.
optimizers = {}


def optimizer(name, make, schedule=None, clip=None):
    start, gradients = normal(3, 4), normal(20, 3, 4)
    weight = nn.Parameter(wide(start))
    steps = make([weight])
    scheduler = schedule(steps) if schedule else None
    values = []
    for gradient in gradients:
        weight.grad = wide(gradient)
        if clip is not None:
            nn.utils.clip_grad_norm_([weight], clip)
        steps.step()
        if scheduler:
            scheduler.step()
        values.append(weight.detach().clone())
    optimizers[f"{name}/in0"], optimizers[f"{name}/in1"] = start, gradients
    optimizers[f"{name}/out0"] = narrow(torch.stack(values))


optimizer("Sgd", lambda p: torch.optim.SGD(p, 0.1))
optimizer("Sgd.momentum", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, dampening=0.2, weight_decay=0.01))
optimizer("Sgd.nesterov", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True))
optimizer("Adam", lambda p: torch.optim.Adam(p, 0.01, betas=(0.8, 0.95), weight_decay=0.1))
optimizer("Adam.default", lambda p: torch.optim.Adam(p))
optimizer("AdamW", lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1))
optimizer("Adam.cosine", lambda p: torch.optim.Adam(p, 0.01), lambda o: torch.optim.lr_scheduler.LambdaLR(
    o, lambda step: 0.1 + 0.9 * (1 + math.cos(math.pi * step / 10)) / 2))
optimizer("Adam.warmup", lambda p: torch.optim.Adam(p, 0.01), lambda o: torch.optim.lr_scheduler.LambdaLR(
    o, lambda step: min(1.0, (step + 1) / 5)))
optimizer("Sgd.clipped", lambda p: torch.optim.SGD(p, 0.1), clip=1.0)

# What came later stands at the end, so that the values above stay as they are.

# Losses.
three, signs = normal(3, 4), np.where(rng.random((3, 4)) > 0.5, 1.0, -1.0).astype(np.float32)


# Distributions: a divergence of anything else is a sum that cancels, whose rounding says nothing.
def logarithms(values):
    return F.log_softmax(torch.tensor(values), 1).numpy()


def shares(values):
    return (values / values.sum(1, keepdims=True)).astype(np.float32)


apart = three + np.array([[0.0, 0.5, -0.5, 1.5], [1.0, -1.0, 0.25, 3.0], [-2.0, 0.1, 0.0, 0.75]], np.float32)
for reduction in ["Mean", "Sum", "None"]:
    case(f"L1.{reduction}", lambda x, t: F.l1_loss(x, t, reduction=reduction.lower()), three, apart)
    case(f"Huber.{reduction}", lambda x, t: F.huber_loss(x, t, delta=0.5, reduction=reduction.lower()), three, apart)
    case(f"SmoothL1.{reduction}", lambda x, t: F.smooth_l1_loss(x, t, beta=0.5, reduction=reduction.lower()), three, apart)
    case(f"KlDivergence.{reduction}", lambda x, t: F.kl_div(x, t, reduction=reduction.lower()), logarithms(normal(3, 4)), shares(positive(3, 4)))
case("SmoothL1.zero", lambda x, t: F.smooth_l1_loss(x, t, beta=0), three, -three)
case("KlDivergence.batch", lambda x, t: F.kl_div(x, t, reduction="batchmean"), logarithms(normal(3, 4)), shares(positive(3, 4)))
case("KlDivergence.logarithms", lambda x, t: F.kl_div(x, t, reduction="sum", log_target=True), logarithms(normal(3, 4)), logarithms(normal(3, 4)))
case("KlDivergence.zeros", lambda x, t: F.kl_div(x, t.detach(), reduction="sum"), normal(4), np.array([0, 1, 0, 0.5], np.float32))
for reduction in ["Mean", "Sum", "None"]:
    case(f"NegativeLogLikelihood.{reduction}", lambda x, y: F.nll_loss(x, y, reduction=reduction.lower()), normal(4, 5), labels)
case("NegativeLogLikelihood.spatial", lambda x, y: F.nll_loss(x, y), normal(2, 4, 3), integers(0, 4, 2, 3))
case("BinaryCrossEntropy", F.binary_cross_entropy, rng.random((3, 4)).astype(np.float32), rng.random((3, 4)).astype(np.float32))
case("BinaryCrossEntropy.ends", lambda x, t: F.binary_cross_entropy(x, t.detach(), reduction="sum"),
     np.array([0, 1, 0.5], np.float32), np.array([0, 1, 1], np.float32))
case("BinaryCrossEntropy.wrong", lambda x, t: F.binary_cross_entropy(x, t.detach(), reduction="none"),
     np.array([0, 1], np.float32), np.array([1, 0], np.float32))
case("HingeEmbedding", lambda x, y: F.hinge_embedding_loss(x, y.detach(), margin=0.5),
     np.append(normal(7), [0.5]).astype(np.float32), np.array([1, -1, 1, -1, -1, 1, -1, -1], np.float32))
case("MarginRanking", lambda x, z, y: F.margin_ranking_loss(x, z, y.detach(), margin=0.3, reduction="sum"), normal(3, 4), normal(3, 4), signs)
case("CosineEmbedding", lambda x, z, y: F.cosine_embedding_loss(x, z, y, margin=0.1), normal(4, 5), normal(4, 5), np.array([1, -1, 1, -1]))
case("TripletMargin", lambda x, p, n: F.triplet_margin_loss(x, p, n), normal(4, 5), normal(4, 5), normal(4, 5))
case("TripletMargin.swap", lambda x, p, n: F.triplet_margin_loss(x, p, n, margin=2.0, p=3, swap=True, reduction="none"), normal(4, 5), normal(4, 5), normal(4, 5))


# Layers.
def packed(module, x, lengths, *state):
    sequence = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, after = module(sequence, (state if len(state) > 1 else state[0]) if state else None)
    padded, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
    return [padded, *(after if isinstance(after, tuple) else [after])]


def unpacked(module, x, *state):
    output, after = module(x, (state if len(state) > 1 else state[0]) if state else None)
    return [output, *(after if isinstance(after, tuple) else [after])]


class RmsNorm(nn.Module):
    """Zhang and Sennrich, 2019; PyTorch has it as nn.RMSNorm since 2.4."""

    def __init__(self, shape, epsilon, affine=True):
        super().__init__()
        self.shape, self.epsilon = shape, epsilon
        self.weight = nn.Parameter(torch.ones(shape)) if affine else None

    def forward(self, x):
        y = x / torch.sqrt((x * x).mean([-1 - i for i in range(len(self.shape))], keepdim=True) + self.epsilon)
        return y if self.weight is None else y * self.weight


steps = np.array([4, 2, 5])
for name, make, states in [("Rnn", nn.RNN, 1), ("Lstm", nn.LSTM, 2), ("Gru", nn.GRU, 1)]:
    layer(name, make(3, 4, batch_first=True), normal(2, 5, 3), call=unpacked)
    layer(f"{name}.state", make(3, 4, num_layers=2, bias=False), normal(5, 2, 3), *[normal(2, 2, 4) for _ in range(states)], call=unpacked)
    layer(f"{name}.packed", make(3, 4, num_layers=2, bidirectional=True, batch_first=True), normal(3, 5, 3), steps,
          *[normal(4, 3, 4) for _ in range(states)], call=packed)
layer("Rnn.relu", nn.RNN(3, 4, nonlinearity="relu", bidirectional=True, batch_first=True), normal(2, 5, 3), call=unpacked)
layer("ConvTranspose1d", nn.ConvTranspose1d(4, 6, 3, stride=3, padding=1, output_padding=2, groups=2, dilation=2), normal(2, 4, 5))
layer("ConvTranspose2d", nn.ConvTranspose2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0)), normal(2, 2, 4, 3))
layer("ConvTranspose2d.bias", nn.ConvTranspose2d(2, 3, 3, bias=False), normal(2, 2, 3, 3))
layer("GroupNorm", nn.GroupNorm(2, 6), normal(2, 6, 3, 2))
layer("GroupNorm.plain", nn.GroupNorm(3, 6, affine=False), normal(2, 6, 5))
layer("InstanceNorm", nn.InstanceNorm1d(3), normal(2, 3, 5))
layer("InstanceNorm.tracked", nn.InstanceNorm1d(3, affine=True, track_running_stats=True), normal(2, 3, 5))
layer("InstanceNorm.evaluation", nn.InstanceNorm2d(3, track_running_stats=True).eval(), normal(2, 3, 4, 3))
layer("RmsNorm", RmsNorm((4,), 2.0 ** -23), normal(2, 3, 4))
layer("RmsNorm.plain", RmsNorm((3, 4), 0.1, affine=False), normal(2, 3, 4))
ties = np.array([[[[1, 1, 0, 2, 2], [1, 1, 3, 2, 2], [0, 3, 3, 1, 0], [3, 3, 0, 0, 1]]]], np.float32)
for shape, pair in {"divides": ((2, 3, 4, 6), (2, 3)), "overlaps": ((2, 2, 7, 5), (3, 4))}.items():
    layer(f"AdaptiveAveragePool.{shape}", nn.AdaptiveAvgPool2d(pair[1]), normal(*pair[0]))
    layer(f"AdaptiveMaxPool.{shape}", nn.AdaptiveMaxPool2d(pair[1]), normal(*pair[0]))
layer("AdaptiveAveragePool.1d", nn.AdaptiveAvgPool1d(4), normal(2, 3, 7))
layer("AdaptiveMaxPool.1d", nn.AdaptiveMaxPool1d(4), normal(2, 3, 7))
layer("AdaptiveMaxPool.ties", nn.AdaptiveMaxPool2d((3, 3)), ties)
layer("PRelu", nn.PReLU(), np.append(normal(5), [0.0]).astype(np.float32))
layer("PRelu.channels", nn.PReLU(3), normal(2, 3, 4))
layer("Upsample", nn.Upsample(scale_factor=2), normal(2, 2, 3, 4))
layer("Upsample.down", nn.Upsample(scale_factor=0.6), normal(2, 2, 7, 9))
layer("Upsample.size", nn.Upsample(size=(5, 7)), normal(2, 2, 3, 4))
layer("Upsample.linear", nn.Upsample(scale_factor=1.7, mode="linear"), normal(2, 3, 5))
layer("Upsample.bilinear", nn.Upsample(scale_factor=2.3, mode="bilinear"), normal(2, 2, 3, 4))
layer("Upsample.shrunk", nn.Upsample(size=(2, 3), mode="bilinear"), normal(2, 2, 5, 7))
layer("Upsample.aligned", nn.Upsample(size=(5, 1), mode="bilinear", align_corners=True), normal(2, 2, 3, 4))


# Optimizers.
class Lion(torch.optim.Optimizer):
    """Chen et al., 2023, algorithm 2."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (first, second), rate = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.mul_(1 - rate * group["weight_decay"])
                p.sub_(rate * torch.sign(first * m + (1 - first) * p.grad))
                m.copy_(second * m + (1 - second) * p.grad)


def grouped(p, **options):
    return [dict(params=p, **options)]


optimizer("Sgd.groups", lambda p: torch.optim.SGD(grouped(p, lr=0.05, weight_decay=0.2), 0.1, momentum=0.9))
optimizer("Adam.amsgrad", lambda p: torch.optim.Adam(p, 0.01, betas=(0.8, 0.9), weight_decay=0.1, amsgrad=True))
optimizer("AdamW.amsgrad", lambda p: torch.optim.AdamW(p, 0.01, betas=(0.8, 0.9), weight_decay=0.1, amsgrad=True))
optimizer("AdamW.groups", lambda p: torch.optim.AdamW(grouped(p, lr=0.03, weight_decay=0.0), 0.01, weight_decay=0.1))
optimizer("RmsProp", lambda p: torch.optim.RMSprop(p))
optimizer("RmsProp.momentum", lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, momentum=0.8, weight_decay=0.1))
optimizer("RmsProp.centered", lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, centered=True))
optimizer("RmsProp.both", lambda p: torch.optim.RMSprop(p, 0.001, alpha=0.9, momentum=0.8, centered=True))
optimizer("RmsProp.groups", lambda p: torch.optim.RMSprop(grouped(p, lr=0.02, weight_decay=0.1), 0.01))
optimizer("Adagrad", lambda p: torch.optim.Adagrad(p, 0.1))
optimizer("Adagrad.decay", lambda p: torch.optim.Adagrad(p, 0.1, lr_decay=0.1, weight_decay=0.1))
optimizer("Adagrad.groups", lambda p: torch.optim.Adagrad(grouped(p, lr=0.2, weight_decay=0.1), 0.1))
optimizer("Lion", lambda p: Lion(p, 0.01, (0.9, 0.99), 0.0))
optimizer("Lion.decay", lambda p: Lion(p, 0.01, (0.8, 0.9), 0.1))
optimizer("Lion.groups", lambda p: Lion(grouped(p, lr=0.03, betas=(0.9, 0.99), weight_decay=0.1), 0.01, (0.9, 0.99), 0.0))
optimizer("Sgd.onecycle", lambda p: torch.optim.SGD(p, 0.1), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=21, cycle_momentum=False))

# Schedules: the rate of each of 40 steps, as the chained schedulers give it; plateaus: the rate after each report.
schedules, later = {}, torch.optim.lr_scheduler


def schedule(name, make):
    steps = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.1)
    scheduler, rates = make(steps), []
    for _ in range(40):
        rates.append(steps.param_groups[0]["lr"])
        steps.step()
        scheduler.step()
    schedules[f"{name}/out0"] = np.array(rates)


def plateau(name, **options):
    steps = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.1)
    scheduler, rates = later.ReduceLROnPlateau(steps, **options), []
    metrics = np.round(rng.standard_normal(40) * 0.3 + np.linspace(-1, 1, 40) ** 2 * 2, 3)
    metrics[20] = np.nan
    for metric in metrics:
        scheduler.step(metric)
        rates.append(steps.param_groups[0]["lr"])
    schedules[f"{name}/in0"], schedules[f"{name}/out0"] = metrics, np.array(rates)


schedule("Step", lambda o: later.StepLR(o, 7, 0.5))
schedule("MultiStep", lambda o: later.MultiStepLR(o, [5, 12, 12, 30], 0.3))
schedule("Exponential", lambda o: later.ExponentialLR(o, 0.9))
schedule("Cosine", lambda o: later.CosineAnnealingLR(o, 15, 0.01))
schedule("CosineRestarts", lambda o: later.CosineAnnealingWarmRestarts(o, 7))
schedule("CosineRestarts.longer", lambda o: later.CosineAnnealingWarmRestarts(o, 3, 2, 0.01))
schedule("OneCycle", lambda o: later.OneCycleLR(o, 0.1, total_steps=41))
schedule("OneCycle.short", lambda o: later.OneCycleLR(o, 0.5, total_steps=41, pct_start=0.1, div_factor=10, final_div_factor=100))
schedule("Polynomial", lambda o: later.PolynomialLR(o, 20, 2.0))
schedule("WarmUp", lambda o: later.LinearLR(o, 0.25, total_iters=6))
schedule("Sequence", lambda o: later.SequentialLR(o, [later.ConstantLR(o, 0.1, 100), later.ExponentialLR(o, 0.9), later.StepLR(o, 4, 0.5)], [3, 15]))
plateau("Plateau", factor=0.5, patience=2)
plateau("Plateau.absolute", factor=0.5, patience=1, threshold=0.1, threshold_mode="abs", cooldown=3, min_lr=0.003)
plateau("Plateau.maximum", factor=0.2, patience=2, mode="max", threshold=0.01, min_lr=1e-4)

# Classes that count differently, and targets that are probabilities; after all others, whose numbers are drawn before.
weights = np.array([0.5, 2, 1, 0, 3], np.float32)
for reduction in ["Mean", "Sum", "None"]:
    case(f"NegativeLogLikelihood.weighted.{reduction}", lambda x, y, w: F.nll_loss(x, y, w.detach(), reduction=reduction.lower()), normal(4, 5), labels, weights)
    case(f"CrossEntropy.weighted.{reduction}", lambda x, y, w: F.cross_entropy(x, y, w.detach(), label_smoothing=0.2, reduction=reduction.lower()), normal(4, 5), labels, weights)
    case(f"CrossEntropy.probabilities.{reduction}", lambda x, t, w: F.cross_entropy(x, t, w.detach(), label_smoothing=0.2, reduction=reduction.lower()),
         normal(2, 5, 3), shares(positive(2, 5, 3)), weights)
case("CrossEntropy.weighted.spatial", lambda x, y, w: F.cross_entropy(x, y, w.detach(), ignore_index=1), normal(2, 5, 3), integers(0, 5, 2, 3), weights)
case("CrossEntropy.probabilities", F.cross_entropy, normal(4, 5), shares(positive(4, 5)))

# Momentum that goes against the rate.
cycle = lambda o: later.OneCycleLR(o, 0.1, total_steps=21)
optimizer("Sgd.cycled", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01), cycle)
optimizer("Sgd.cycled.nesterov", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True), cycle)
optimizer("Adam.cycled", lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.1), cycle)
optimizer("AdamW.cycled.amsgrad", lambda p: torch.optim.AdamW(p, 0.1, amsgrad=True), cycle)

# Hidden states that are projected.
layer("Lstm.projected", nn.LSTM(3, 5, proj_size=2, batch_first=True), normal(2, 4, 3), call=unpacked)
layer("Lstm.projected.packed", nn.LSTM(3, 5, proj_size=2, num_layers=2, bidirectional=True, batch_first=True), normal(3, 5, 3), steps,
      normal(4, 3, 2), normal(4, 3, 5), call=packed)

write(TARGET / "ops.safetensors", ops)
write(TARGET / "layers.safetensors", layers)
write(TARGET / "optimizers.safetensors", optimizers)
write(TARGET / "schedules.safetensors", schedules)
