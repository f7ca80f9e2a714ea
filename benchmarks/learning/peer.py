#!/usr/bin/env python3
"""PyTorch's own version of the trainings of samples/CharacterModel and samples/Mnist, with the same hyperparameters.

    peer.py about                          version, BLAS, threads, and its own 1024 matmul
    peer.py characters TEXT --seed 0       last line: validation loss 1.8xxx seconds S
    peer.py mnist DIR --seed 0             last line: test accuracy 0.98xx seconds S

The number of threads is taken from OMP_NUM_THREADS and OPENBLAS_NUM_THREADS, which must be set before the start: OpenBLAS
does not listen to torch.set_num_threads. Seconds are those of training alone, without imports, reading files and testing.
"""
import argparse
import gzip
import math
import os
import statistics
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    if variable not in os.environ:
        raise SystemExit(f"set {variable}")

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def about():
    with open("/proc/self/maps") as maps:
        names = {line.split("/")[-1].strip() for line in maps if "blas" in line}
    x, y = torch.rand(1024, 1024), torch.rand(1024, 1024)
    times = []
    for _ in range(15):
        start = time.perf_counter()
        x @ y
        times.append(time.perf_counter() - start)
    print(f"PyTorch {torch.__version__}, {', '.join(sorted(names)) or 'no BLAS found'}, {torch.get_num_threads()} threads, "
          f"1024 matmul {statistics.median(times) * 1e3:.1f} ms")


WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 128, 4, 4, 64, 12


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.register_buffer("future", torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1))

    def forward(self, x):
        n, length, _ = x.shape
        q, k, v = (part.view(n, length, HEADS, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(WIDTH, 2))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(2, 3)) / math.sqrt(WIDTH // HEADS)
            y = scores.masked_fill(self.future[:length, :length], float("-inf")).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(n, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.characters, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, 0, 0.02)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.characters(x) + self.positions.weight[: x.shape[1]])))


def rate(step, steps):
    """The factor of 1e-3: a straight rise over 100 steps, then a cosine to a tenth."""
    if step < 100:
        return 0.01 + 0.99 * step / 100
    return 0.1 + 0.9 * (1 + math.cos(math.pi * (step - 100) / max(1, steps - 100))) / 2


def characters(path, seed, steps):
    torch.manual_seed(seed)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    alphabet = sorted(set(text))
    numbers = torch.tensor([alphabet.index(c) for c in text])
    split = len(numbers) * 9 // 10
    train, rest = numbers[:split], numbers[split:]
    model = Gpt(len(alphabet))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, (0.9, 0.99), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    start = time.perf_counter()
    for step in range(steps):
        at = torch.randint(len(train) - CONTEXT, (BATCH,))
        x = torch.stack([train[i : i + CONTEXT] for i in at])
        y = torch.stack([train[i + 1 : i + CONTEXT + 1] for i in at])
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    seconds = time.perf_counter() - start
    model.eval()
    count = (len(rest) - 1) // CONTEXT
    x, y = rest[: count * CONTEXT].view(count, CONTEXT), rest[1 : count * CONTEXT + 1].view(count, CONTEXT)
    with torch.no_grad():
        total = sum(F.cross_entropy(model(a).flatten(0, 1), b.flatten(), reduction="sum").item() for a, b in zip(x.split(64), y.split(64)))
    print(f"validation loss {total / (count * CONTEXT):.4f} seconds {seconds:.1f}")


def idx(folder, name):
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
        data = file.read()
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy())


def pixels(folder, name):
    return idx(folder, name).float().div(255).sub(0.1307).div(0.3081).unsqueeze(1)


def mnist(folder, seed, epochs, steps):
    torch.manual_seed(seed)
    images = pixels(folder, "train-images-idx3-ubyte")
    labels = idx(folder, "train-labels-idx1-ubyte").long()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    start = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(64)[:steps]:
            loss = F.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    model.eval()
    test, expected = pixels(folder, "t10k-images-idx3-ubyte"), idx(folder, "t10k-labels-idx1-ubyte")
    with torch.no_grad():
        right = sum((model(a).argmax(1) == b).sum().item() for a, b in zip(test.split(1000), expected.split(1000)))
    print(f"test accuracy {right / len(expected):.4f} seconds {seconds:.1f}")


parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["about", "characters", "mnist"])
parser.add_argument("data", nargs="?")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--steps", type=int)
parser.add_argument("--epochs", type=int, default=3)
arguments = parser.parse_args()
if arguments.what == "about":
    about()
elif arguments.what == "characters":
    characters(arguments.data, arguments.seed, arguments.steps or 2000)
else:
    mnist(arguments.data, arguments.seed, arguments.epochs, arguments.steps)
