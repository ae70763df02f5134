"""The machine that a figure was measured on."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from blockstm.cores import usable_cores

__all__ = ["machine"]


def machine() -> dict[str, str | int]:
    """The processor and its usable cores, the system and the Python of this process."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "gil": "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
