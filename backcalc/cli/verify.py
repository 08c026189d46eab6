"""`backcalc verify NET`."""

from __future__ import annotations

import backcalc
from backcalc.cli.common import Answer, ascii_option, command, net_argument, network, spelled, to_json


@command("verify")
@net_argument
@ascii_option
def verify(net: str, plain: bool, form: str) -> Answer:
    """Checks the gradients of NET by every independent way.

    Every way at hand, side by side; the exit status is 1 where two differ.

    \b
    Examples:
      backcalc verify examples/shared-kernel.yaml
      backcalc verify net.yaml --format json
    """
    verification = backcalc.verify(network(net))
    if form == "json":
        text = to_json(verification.to_json())
    else:
        from backcalc.render import verify_text

        text = verify_text.render(verification)
    messages = tuple(f"not verified by {way.against}: {way.detail}" for way in verification.ways if not way.passed)
    return Answer(spelled(text, plain, form), status=0 if verification.passed else 1, messages=messages)
