#!/usr/bin/env python3
"""Times PyTorch on the workloads of DeepBridge.Benchmarks and prints JSON: name -> nanoseconds, medians.

Needs Debian's python3-torch with libopenblas0-pthread; without OpenBLAS PyTorch is a hundred times slower, and a comparison
would be a lie. The number of threads is the first argument; OpenBLAS reads its own from the environment before it starts.
"""
import json
import os
import statistics
import sys
import time

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402

torch.set_num_threads(threads)
torch.manual_seed(0)


def median(function, inner, rounds=15):
    for _ in range(3):
        function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(inner):
            function()
        times.append((time.perf_counter_ns() - start) / inner)
    return statistics.median(times)


def blas():
    with open("/proc/self/maps") as maps:
        names = {line.split("/")[-1].strip() for line in maps if "blas" in line}
    return ", ".join(sorted(names)) or "none found"


results = {}
a = torch.rand(16, requires_grad=True)
b = torch.rand(16)
results["TinyAdd"] = median(lambda: a + b, 2000)
for size in (64, 128, 256, 512, 1024):
    x, y = torch.rand(size, size), torch.rand(size, size)
    with torch.no_grad():
        results[f"MatMul {size}"] = median(lambda: x @ y, max(1, 2**24 // size**3))

models = {
    "mlp": nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10)),
    "cnn": nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.25), nn.Linear(512, 10)),
}
images, labels = torch.rand(32, 1, 8, 8), torch.randint(0, 10, (32,))
for name, model in models.items():
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    results[f"DigitsStep {name}"] = median(step, 30)

print(json.dumps({"torch": torch.__version__, "blas": blas(), "threads": threads, "results": results}))
