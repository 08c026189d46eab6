"""The guard against hanging: it ends what does not end, and leaves alone what does."""

from __future__ import annotations

import signal
from itertools import count

import pytest

from tests import hanging


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of processor time")
def test_what_hangs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging, "HUNG", 0.05)
    with pytest.raises(pytest.fail.Exception, match=r"no end after 0\.05 s"), hanging.guard_against_hanging():
        for _ in count():
            pass
    with hanging.guard_against_hanging():
        pass
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
