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
write(TARGET / "ops.safetensors", ops)

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
write(TARGET / "layers.safetensors", layers)

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
write(TARGET / "optimizers.safetensors", optimizers)
