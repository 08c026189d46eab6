"""What a run depends on besides its settings: versions and platform, no names of machines, people or paths."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

import backcalc
from backcalc.numeric.threads import blas_name


def environment(threads: int = 1) -> dict[str, Any]:
    """Versions, platform and threads as plain data; `threads` is how many cores it takes.

    >>> sorted(environment())[:2]
    ['backcalc', 'blas']
    """
    return {
        "backcalc": backcalc.__version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "numpy": np.__version__,
        "blas": blas_name(),
        "threads": threads,
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
    }
