"""What the process of one submission may use. Where the system has no such limit, the wall clock alone holds."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds on the wall clock, megabytes of memory, and files that may be open; no file may grow.

    Linux holds all of them. macOS does not hold the memory, and Windows neither memory nor files: there a submission
    is stopped by the clock.
    """

    seconds: float = 40
    megabytes: int = 1_000
    files: int = 64

    def apply(self) -> None:
        """Puts the limits on this process, for good."""
        sys.dont_write_bytecode = True
        try:
            import resource
        except ImportError:  # Windows
            return
        seconds = int(self.seconds) + 1
        for limit, value in (
            (resource.RLIMIT_AS, self.megabytes * MEGABYTE),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, self.files),
            (resource.RLIMIT_NPROC, 0),
        ):
            with suppress(ValueError, OSError):  # the system knows it and does not set it, as macOS the memory
                _, most = resource.getrlimit(limit)
                held = value if most == resource.RLIM_INFINITY else min(value, most)
                resource.setrlimit(limit, (held, held))
