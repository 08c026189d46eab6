"""The number of BLAS threads is set while it is asked for, and is then what it was."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from backcalc.numeric import threads

WAYS = ["threadpoolctl", "the library itself"]


@pytest.fixture(params=WAYS)
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many threads there are, asked of the library itself, with threadpoolctl and without."""
    found = threads._openblas()
    if found is None:
        pytest.skip("NumPy computes with another library than OpenBLAS")
    if request.param == WAYS[1]:
        monkeypatch.setattr(threads, "find_spec", lambda name: None)
    elif find_spec("threadpoolctl") is None:
        pytest.skip("threadpoolctl is not installed")
    else:
        monkeypatch.setattr(threads, "_openblas", lambda: None)
    number: Callable[[], int] = found[0]
    return number


def test_the_number_is_set_and_given_back(read: Callable[[], int]) -> None:
    before = read()
    with threads.blas_threads(1):
        assert read() == 1
        with threads.blas_threads(2):
            assert read() == 2
        assert read() == 1
    assert read() == before
    with pytest.raises(ZeroDivisionError), threads.blas_threads(1):
        raise ZeroDivisionError
    assert read() == before


def test_another_library_keeps_its_own_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_openblas", lambda: None)
    monkeypatch.setattr(threads, "find_spec", lambda name: None)
    with threads.blas_threads(1):
        assert (np.ones((2, 2)) @ np.ones((2, 2))).sum() == 8
