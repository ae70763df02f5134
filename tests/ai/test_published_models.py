"""Networks that packages on PyPI ship: on chain what they are off chain, and near what they were.

Their wheels are downloaded by nobody here: BLOCKSTM_WHEELS names the folder that they lie in.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "BLOCKSTM_SANITIZED" in os.environ:
    # It is loaded with this module, and a sanitizer reports its threads.
    pytest.skip("onnxruntime is left out beside a sanitizer", allow_module_level=True)
pytest.importorskip("onnx", reason="the extra 'ai' has no wheels for this Python")
pytest.importorskip("onnxruntime", reason="it has no wheels for this Python")
pytest.importorskip("matplotlib")
from examples.published_models.main import PUBLISHED, find, refusal, report

HELD = [name for name, published in PUBLISHED.items() if published.samples is not None]
REFUSED = {
    "text detection (PP-OCRv4)": "opset 12",
    "text recognition (PP-OCRv4)": "opset 12",
    "file types (Magika)": "the input bytes is quantised first",
    "voice activity (Silero)": "a model has one input and one output, not 3 and 2",
}


def model_of(name: str) -> bytes:
    folder = os.environ.get("BLOCKSTM_WHEELS", "wheels")
    found = find(PUBLISHED[name], Path(folder))
    if found is None:
        wheel = PUBLISHED[name].wheel.rstrip("-")
        pytest.skip(f"no wheel in {folder}: pip download --no-deps -d {folder} {wheel}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", HELD)
def test_a_published_model_is_on_chain_what_it_is_off_chain(name: str) -> None:
    published = PUBLISHED[name]
    made = report(published, model_of(name), count=20, on_chain=1)
    assert made.is_equal
    assert made.agreeing >= 0.9
    assert abs(made.real - made.on_chain) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_program_can_be_is_refused_by_name(name: str) -> None:
    assert REFUSED[name] in refusal(PUBLISHED[name], model_of(name))
