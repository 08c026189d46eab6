"""Run folders: what a training or an experiment leaves behind, each file written whole or not at all.

A `Folder` is the place; what is in it says what it is a run of. Every run has `settings.json` (what was asked for) and
`environment.json` (what it ran on); a training adds `net.yaml`, `history.csv`, `history.json`, `weights.npz`, `plots/`,
`report.html`, and `state.npz`, from which it can be gone on with.

- `Folder.new(path, kind, settings)` makes one and notes the settings and the environment; a folder that holds anything
  already is refused. `Folder.old(path, kind)` opens one that was made.
- `folder.write(name, content)` writes text or bytes; `folder.write_json`, `folder.write_npz`, `folder.append` (a line
  that is there or not, of what grows); `folder.read_json`. `folder.path(name)` is where a file is.
- `interrupts()` is the block in which Ctrl-C asks for an end instead of raising anywhere:
  `with interrupts() as asked: … if asked(): save and raise KeyboardInterrupt`. A second Ctrl-C ends at once.
- `environment()` is what a run depends on besides its settings: versions, platform, threads; no names of machines.

Errors are `RunError`: a folder that cannot be made, written (a full disk) or read, and settings that differ.
"""

from __future__ import annotations

from backcalc.numeric.runs.atomic import RunError, swept, write_whole
from backcalc.numeric.runs.environment import environment
from backcalc.numeric.runs.folder import Folder
from backcalc.numeric.runs.interrupt import interrupts

__all__ = ["Folder", "RunError", "environment", "interrupts", "swept", "write_whole"]
