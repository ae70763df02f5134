"""Two small networks trained on scikit-learn's handwritten digits: 1,797 images of 8 by 8 pixels.

A network is a list of layers, each a name and its arrays. Training is plain NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

__all__ = ["Layers", "apply", "dataset", "train"]

Layers = list[tuple[str, tuple[Any, ...]]]
TESTED = 400


def dataset() -> tuple[Any, Any, Any, Any]:
    """Images [n, 1, 8, 8] from 0 to 1 and digits: those to train on, then those to test with."""
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 1, 8, 8)
    order = np.random.default_rng(1).permutation(len(images))
    images, digits = images[order], digits[order]
    return images[TESTED:], digits[TESTED:], images[:TESTED], digits[:TESTED]


def windows(images: Any) -> Any:
    """The 3 by 3 surroundings of each pixel, zeros beyond the edge: [n, pixels, C * 9]."""
    count, channels, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    shown = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return shown.transpose(0, 2, 3, 1, 4, 5).reshape(count, height * width, channels * 9)


def apply(layers: Layers, images: Any, kept: list[Any] | None = None) -> Any:
    """What a network makes of images; ``kept`` gets what goes into each layer."""
    value = images
    for name, arrays in layers:
        if kept is not None:
            kept.append(value)
        if name == "dense":
            value = value @ arrays[0].T + arrays[1]
        elif name == "convolution":
            flat = windows(value) @ arrays[0].reshape(len(arrays[0]), -1).T + arrays[1]
            value = flat.transpose(0, 2, 1).reshape(len(value), -1, *value.shape[2:])
        elif name == "relu":
            value = np.maximum(value, 0)
        elif name == "pool":
            count, channels, height, width = value.shape
            value = value.reshape(count, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))
        elif name == "flatten":
            value = value.reshape(len(value), -1)
    return value


def _gradients(layers: Layers, kept: list[Any], slope: Any) -> list[tuple[Any, ...]]:
    """Of each layer's arrays, from that of the output."""
    found: list[tuple[Any, ...]] = []
    for (name, arrays), given in zip(reversed(layers), reversed(kept), strict=True):
        changes: tuple[Any, ...] = ()
        if name == "dense":
            changes = slope.T @ given, slope.sum(axis=0)
            slope = slope @ arrays[0]
        elif name == "convolution":
            flat = slope.reshape(*slope.shape[:2], -1).transpose(0, 2, 1)
            weights = np.einsum("npo,npk->ok", flat, windows(given))
            changes = weights.reshape(arrays[0].shape), flat.sum(axis=(0, 1))
            turned = arrays[0][:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
            slope = apply([("convolution", (turned, 0.0))], slope)
        elif name == "relu":
            slope = slope * (given > 0)
        elif name == "pool":
            largest = apply([("pool", ())], given).repeat(2, axis=2).repeat(2, axis=3)
            slope = slope.repeat(2, axis=2).repeat(2, axis=3) * (given == largest)
        elif name == "flatten":
            slope = slope.reshape(given.shape)
        found.append(changes)
    return found[::-1]


def _begun(kind: str, rng: np.random.Generator) -> Layers:
    def drawn(*shape: int) -> tuple[Any, Any]:
        return rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape), np.zeros(shape[0])

    if kind == "mlp":
        return [("flatten", ()), ("dense", drawn(48, 64)), ("relu", ()), ("dense", drawn(10, 48))]
    return [
        ("convolution", drawn(8, 1, 3, 3)), ("relu", ()), ("pool", ()),
        ("convolution", drawn(16, 8, 3, 3)), ("relu", ()), ("pool", ()),
        ("flatten", ()), ("dense", drawn(10, 64)),
    ]  # fmt: skip


def train(kind: str, images: Any, digits: Any, rounds: int = 12) -> Layers:
    """An ``mlp`` or a ``cnn``, by gradient descent with momentum."""
    rng = np.random.default_rng(2)
    layers = _begun(kind, rng)
    speeds = [tuple(np.zeros_like(array) for array in arrays) for _, arrays in layers]
    for turn in range(rounds):
        rate = 0.1 if turn < rounds * 2 // 3 else 0.02
        order = rng.permutation(len(images))
        for at in range(0, len(order), 32):
            batch = order[at : at + 32]
            kept: list[Any] = []
            given = apply(layers, images[batch], kept)
            parts = np.exp(given - given.max(axis=1, keepdims=True))
            slope = parts / parts.sum(axis=1, keepdims=True)
            slope[np.arange(len(batch)), digits[batch]] -= 1
            changes = _gradients(layers, kept, slope / len(batch))
            for (_, arrays), speed, change in zip(layers, speeds, changes, strict=True):
                for array, moved, step in zip(arrays, speed, change, strict=True):
                    moved *= 0.9
                    moved -= rate * step
                    array += moved
    return layers
