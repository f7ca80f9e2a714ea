#!/usr/bin/env python3
"""Makes the files that PyTorch wrote, for the tests of DeepBridge.Core that read them.

Needs PyTorch (Debian: python3-torch). Run it from anywhere:

    python3 eng/goldens/make_pt.py

What a file holds beside the tensors' elements is written to expected.json, as PyTorch itself loads it: for each key the
dtype, the shape and the elements, row by row, in hexadecimal digits. Files named refused-*.pt must not be read.
"""
import collections
import io
import json
import os
import pathlib
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import torch
import torch.nn as nn

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests" / "DeepBridge.Core.Tests" / "Checkpoints" / "Goldens"
TARGET.mkdir(parents=True, exist_ok=True)
torch.manual_seed(20240607)
expected = {}


def flatten(value, key=""):
    if isinstance(value, torch.Tensor):
        yield key, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for name, item in items:
        yield from flatten(item, f"{key}.{name}" if key else str(name))


def elements(tensor):
    tensor = tensor.detach().contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes().hex()


def save(name, value, **options):
    torch.save(value, TARGET / name, **options)
    expected[name] = {
        key: [str(tensor.dtype)[6:], list(tensor.shape), elements(tensor)] for key, tensor in flatten(torch.load(TARGET / name))}


def archive(name, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(TARGET / name, "w", method) as file:
        for path, data in files:
            file.writestr(zipfile.ZipInfo(path), data, compress_type=method)


def repack(name, source, change):
    """A copy of a file that PyTorch wrote, with changed parts."""
    with zipfile.ZipFile(TARGET / source) as file:
        archive(name, [(info.filename, data) for info in file.infolist() for data in [change(info.filename, file.read(info))] if data is not None])


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
save("state.pt", model.state_dict())

optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
model(torch.randn(4, 1, 4, 4)).square().mean().backward()
optimizer.step()
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5])
save("nested.pt", {
    "epoch": 3, "best": 0.5, "seed": 1 << 63, "small": -7, "wide": -(1 << 40), "name": "tëst", "done": False, "none": None,
    "device": torch.device("cpu"), "dtype": torch.float32, "size": torch.Size([2, 3]), "history": [(0.5, 0.25), []],
    "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})

base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
save("views.pt", collections.OrderedDict(
    transposed=base.permute(2, 0, 1), row=base[1], column=base[:, :, 1], stepped=base[:, ::2, 1::2], whole=base,
    expanded=base[0, 0, :1].expand(5), diagonal=torch.arange(9.).reshape(3, 3).diagonal(), windows=torch.arange(6).unfold(0, 3, 1)))

save("dtypes.pt", collections.OrderedDict(
    (str(dtype)[6:], (torch.arange(-3, 3) if dtype != torch.uint8 else torch.arange(6)).to(dtype).reshape(2, 3))
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                  torch.uint8, torch.bool)))

save("edges.pt", collections.OrderedDict([
    ("scalar", torch.tensor(2.5)), ("empty", torch.zeros(0, 3)), ("parameter", nn.Parameter(torch.ones(2, 2))),
    ("frozen", nn.Parameter(torch.ones(2), requires_grad=False)), ("", torch.ones(1)), ("ü.€", torch.ones(1))]))
save("none.pt", {})

torch.save(model.state_dict(), TARGET / "refused-legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"w": torch.ones(2), "evil": Evil()}, TARGET / "refused-evil.pt")
torch.save({"w": torch.ones(2), "evil": Evil()}, TARGET / "refused-evil4.pt", pickle_protocol=4)
torch.save(nn.Linear(2, 2), TARGET / "refused-module.pt")
torch.save({"x": torch.ones(2).to_sparse()}, TARGET / "refused-sparse.pt")
torch.save({"x": torch.ones(2, dtype=torch.complex64)}, TARGET / "refused-complex.pt")
torch.save({"x": np.ones(2)}, TARGET / "refused-numpy.pt")
with tarfile.open(TARGET / "refused-tar.pt", "w", format=tarfile.USTAR_FORMAT) as tar:
    for part in ("storages", "tensors", "pickle"):
        tar.addfile(tarfile.TarInfo(part), io.BytesIO())


def pickled(name, text):
    archive(name, [("x/data.pkl", text), ("x/data/0", b"\0" * 24), ("x/version", b"3\n")])


def storage(count, kind=b"torch\nFloatStorage\n", file=b"0"):
    return b"(X\x07\0\0\0storagec" + kind + b"X" + struct.pack("<I", len(file)) + file + b"X\x03\0\0\0cpuJ" + struct.pack("<i", count) + b"tQ"


def tensor(offset, dims, strides, count=6, **options):
    numbers = lambda values: b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(count, **options) + b"\x8a\x08" + struct.pack("<q", offset) + numbers(dims)
            + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR")


def one(key, value):
    return b"\x80\x02}X" + struct.pack("<I", len(key)) + key + value + b"s."


pickled("by-hand.pt", one(b"x", tensor(0, [2, 3], [3, 1])))
expected["by-hand.pt"] = {"x": ["float32", [2, 3], "00" * 24]}
pickled("refused-eval.pt", b"\x80\x02c__builtin__\neval\nX\x05\0\0\x001 + 1\x85R.")
pickled("refused-eval4.pt", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x051 + 1\x85R.")
pickled("refused-instance.pt", b"\x80\x02(ios\nsystem\n.")
pickled("refused-reduce-data.pt", b"\x80\x02X\x01\0\0\0a)R.")
pickled("refused-self.pt", b"\x80\x02}q\0X\x01\0\0\0ah\0s.")
pickled("refused-deep.pt", b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".")
laughs = b"\x80\x02]q\0" + tensor(0, [1], [1]) + b"a"
for level in range(1, 40):
    laughs += b"0]q" + bytes([level]) + b"(h" + bytes([level - 1]) + b"h" + bytes([level - 1]) + b"e"
pickled("refused-pop.pt", laughs + b".")
pickled("refused-laughs.pt", laughs.replace(b"0]q", b"]q") + b".")
for name, text in {
    "outside": tensor(1, [2, 3], [3, 1]), "stride": tensor(0, [2, 2], [5, 1]), "negative": tensor(0, [2, 3], [3, -1]),
    "before": tensor(-1, [2, 3], [3, 1]), "huge": tensor(0, [1 << 31 - 1, 1 << 31 - 1, 1 << 31 - 1], [0, 0, 0]),
    "overflow": tensor((1 << 63) - 1, [2, 2], [(1 << 63) - 1, (1 << 63) - 1]), "rank": tensor(0, [1] * 65, [1] * 65),
    "strides": tensor(0, [2, 3], [3]), "long-storage": tensor(0, [2, 3], [3, 1], count=7),
    "wide-storage": tensor(0, [2, 3], [3, 1], kind=b"torch\nDoubleStorage\n"), "no-storage": tensor(0, [2, 3], [3, 1], file=b"1"),
    "path": tensor(0, [2, 3], [3, 1], file=b"../version"), "quantized": tensor(0, [2, 3], [3, 1], kind=b"torch\nQInt8Storage\n")}.items():
    pickled(f"refused-{name}.pt", one(b"x", text))
pickled("refused-twice.pt", b"\x80\x02}(X\x01\0\0\0a" + tensor(0, [1], [1]) + b"X\x01\0\0\0a" + tensor(0, [1], [1]) + b"u.")
pickled("refused-key.pt", b"\x80\x02})" + tensor(0, [1], [1]) + b"s.")
pickled("expanding.pt", one(b"x", tensor(0, [30000, 10000], [0, 0])))

repack("refused-big-endian.pt", "none.pt", lambda name, data: data)
with zipfile.ZipFile(TARGET / "refused-big-endian.pt", "a") as file:
    file.writestr("none/byteorder", "big")
with zipfile.ZipFile(TARGET / "state.pt") as file:
    archive("refused-compressed.pt", [(info.filename, file.read(info)) for info in file.infolist()], zipfile.ZIP_DEFLATED)
repack("refused-two-pickles.pt", "none.pt", lambda name, data: data)
with zipfile.ZipFile(TARGET / "refused-two-pickles.pt", "a") as file:
    file.writestr("other/data.pkl", "}.")
repack("refused-no-pickle.pt", "none.pt", lambda name, data: None if name.endswith(".pkl") else data)

(TARGET / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
print(f"{len(list(TARGET.iterdir()))} files, {sum(path.stat().st_size for path in TARGET.iterdir())} bytes")
