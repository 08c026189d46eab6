"""The number of BLAS threads is set while it is asked for, and is then what it was."""

from __future__ import annotations

import numpy as np
import pytest

from backcalc.numeric import threads


def test_the_number_is_set_and_given_back() -> None:
    found = threads._openblas()
    if found is None:
        pytest.skip("NumPy computes with another library than OpenBLAS")
    read, _ = found
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
    with threads.blas_threads(1):
        assert (np.ones((2, 2)) @ np.ones((2, 2))).sum() == 8
