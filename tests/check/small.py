"""A small network whose every number can be worked out by hand: z = 2, h = 2, J = 225/128, ∂J/∂w1 = 15/8."""

from __future__ import annotations

from pathlib import Path

NET = """
name: small
equations: |
  z = w1*x1 + w2*x2
  h = relu(z)
  J = 1/2*(h - t)^2
values: {x1: 1, x2: 2, w1: 1, w2: 1/2, t: 1/8}
update: {sgd: {rate: 1/4}}
find: [w1, w2]
"""
# w1 - 1/4 * 15/8 = 17/32, w2 - 1/4 * 15/4 = -7/16


def small_key(folder: Path) -> Path:
    """The path of a key that asks for the derivative and the new value of w1."""
    (folder / "net.yaml").write_text(NET, "utf-8")
    key = folder / "key.yaml"
    key.write_text("problems: [{id: 1, net: net.yaml, ask: [dJ/dw1, new w1], points: 10}]\n", "utf-8")
    return key
