"""How many threads the matrix products of NumPy take.

Products of small networks are over before a second thread has begun, and two that wait for each other on a busy machine
cost a hundred times what one does. `threadpoolctl` sets the number in every library it knows; where it is not
installed it is set in the OpenBLAS that comes with NumPy, and other libraries keep their own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

_SUFFIXES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")


def _openblas() -> tuple[Any, Any] | None:
    """How the number of threads is read and set, in the library that NumPy has loaded; None where that is another."""
    for module in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            library = ctypes.CDLL(import_module(module).__file__)
        except (ImportError, OSError, TypeError):
            continue
        for name in _SUFFIXES:
            try:
                return getattr(library, name.format("get")), getattr(library, name.format("set"))
            except AttributeError:
                continue
    return None


def blas_name() -> str:
    """The library that computes matrix products here, with its version.

    >>> bool(blas_name())
    True
    """
    config = np.show_config(mode="dicts")
    known = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
    return f"{known.get('name', 'unknown')} {known.get('version', '')}".strip()


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """So many threads while the block runs; then as many as before.

    >>> with blas_threads(1):
    ...     pass
    """
    if find_spec("threadpoolctl") is not None:
        with import_module("threadpoolctl").threadpool_limits(limits=count, user_api="blas"):
            yield
        return
    found = _openblas()
    if found is None:
        yield
        return
    read, write = found
    before = read()
    write(count)
    try:
        yield
    finally:
        write(before)
