#!/usr/bin/env python3
"""Makes the golden file of the metrics' tests: what scikit-learn computes.

Needs scikit-learn (Debian: python3-sklearn). Run it from anywhere:

    python3 eng/goldens/make_metrics.py

Each case has its inputs, row by row, and the expected numbers by name. null stands for NaN: not defined, or nothing to
count (for empty input scikit-learn throws). Among the cases: ties in scores, classes that are absent, divisions by zero.
"""
import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics

TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests" / "DeepBridge.Core.Tests" / "Metrics" / "metrics.json"
rng = np.random.default_rng(20240611)
warnings.simplefilter("ignore")


def number(value):
    return None if math.isnan(value) else float(value)


def attempt(function, *args, **options):
    """scikit-learn throws, or warns and gives NaN, where a number is not defined."""
    try:
        return number(function(*args, **options))
    except ValueError:
        return None


def classes(name, targets, predictions, count):
    targets, predictions = np.asarray(targets, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
    labels, expected = np.arange(count), {"accuracy": number(metrics.accuracy_score(targets, predictions))}
    for average in ("micro", "macro", "weighted"):
        expected[f"precision_{average}"] = metrics.precision_score(targets, predictions, average=average, zero_division=0)
        expected[f"recall_{average}"] = metrics.recall_score(targets, predictions, average=average, zero_division=0)
        expected[f"f1_{average}"] = metrics.f1_score(targets, predictions, average=average, zero_division=0)
    return {
        "name": name, "classes": count, "targets": targets.tolist(), "predictions": predictions.tolist(), "expected": expected,
        "perClass": {
            "precision": metrics.precision_score(targets, predictions, labels=labels, average=None, zero_division=0).tolist(),
            "recall": metrics.recall_score(targets, predictions, labels=labels, average=None, zero_division=0).tolist(),
            "f1": metrics.f1_score(targets, predictions, labels=labels, average=None, zero_division=0).tolist(),
        },
        "confusion": metrics.confusion_matrix(targets, predictions, labels=labels).ravel().tolist(),
    }


def ranking(name, targets, scores):
    targets, scores = np.asarray(targets, dtype=np.int64), np.asarray(scores, dtype=np.float32)
    return {
        "name": name, "targets": targets.tolist(), "scores": scores.tolist(),
        "auroc": attempt(metrics.roc_auc_score, targets, scores),
        "averagePrecision": attempt(metrics.average_precision_score, targets, scores),
    }


def regression(name, targets, predictions):
    targets, predictions = np.asarray(targets, dtype=np.float32), np.asarray(predictions, dtype=np.float32)
    wide = targets.astype(np.float64), predictions.astype(np.float64)
    return {
        "name": name, "targets": targets.tolist(), "predictions": predictions.tolist(),
        "mae": number(metrics.mean_absolute_error(*wide)), "mse": number(metrics.mean_squared_error(*wide)),
        "r2": number(metrics.r2_score(*wide)) if len(targets) > 1 else None,
    }


def scores(name, count, width):
    logits = rng.standard_normal((count, width)).astype(np.float32)
    targets = rng.integers(0, width, count)
    wide = logits.astype(np.float64)
    probabilities = np.exp(wide) / np.exp(wide).sum(1, keepdims=True)
    labels = np.arange(width)
    return {
        "name": name, "classes": width, "logits": logits.ravel().tolist(), "targets": targets.tolist(),
        "top": [number(metrics.top_k_accuracy_score(targets, logits, k=k, labels=labels)) for k in (1, 2, 3)],
        "perplexity": number(math.exp(metrics.log_loss(targets, probabilities, labels=labels))),
    }


def noisy(count, scale):
    targets = rng.integers(0, 2, count)
    return targets, rng.standard_normal(count) + targets * scale


golden = {
    "sklearn": sklearn.__version__,
    "classes": [
        classes("random", rng.integers(0, 5, 200), rng.integers(0, 5, 200), 5),
        classes("mostly right", t := rng.integers(0, 4, 150), np.where(rng.random(150) < 0.8, t, rng.integers(0, 4, 150)), 4),
        classes("a class never predicted", [0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 0], 3),
        classes("a class never right", [0, 1, 1, 0], [0, 2, 1, 2], 3),
        classes("a class in neither", [0, 1, 1, 0, 3], [0, 1, 3, 1, 3], 5),
        classes("all wrong", [0, 0, 1], [1, 1, 0], 2),
        classes("one of one", [1], [1], 2),
    ],
    "ranking": [
        ranking("random", *noisy(200, 0)),
        ranking("separated in part", *noisy(300, 1.5)),
        ranking("ties", rng.integers(0, 2, 200), rng.integers(0, 6, 200) / 4),
        ranking("all one score", [0, 1, 1, 0, 1], [0.5] * 5),
        ranking("perfect", [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
        ranking("reversed", [1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ranking("huge", [1, 0, 1, 0], [1e30, 1, -1e30, -1e30]),
        ranking("no positives", [0, 0, 0], [0.1, 0.5, 0.3]),
        ranking("no negatives", [1, 1, 1], [0.1, 0.5, 0.3]),
    ],
    "regression": [
        regression("random", y := rng.standard_normal(100), y + rng.standard_normal(100) * 0.3),
        regression("a large mean", z := rng.standard_normal(100) + 10000, z + rng.standard_normal(100)),
        regression("worse than the mean", rng.standard_normal(50), rng.standard_normal(50) * 3),
        regression("constant and right", [2, 2, 2], [2, 2, 2]),
        regression("constant and wrong", [2, 2, 2], [2, 1, 2]),
        regression("one", [1], [3]),
    ],
    "scores": [scores("ten classes", 120, 10), scores("three classes", 40, 3)],
}
TARGET.parent.mkdir(parents=True, exist_ok=True)
TARGET.write_text(json.dumps(golden, indent=None, separators=(",", ":"), allow_nan=False).replace("},{", "},\n{") + "\n")
print(f"{TARGET.name}: {sum(len(v) for v in golden.values() if isinstance(v, list))} cases, {TARGET.stat().st_size} bytes")
