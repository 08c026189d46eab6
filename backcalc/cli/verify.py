"""`backcalc verify NET`."""

from __future__ import annotations

from backcalc.cli.common import Answer, command, net_argument, network, to_json


@command("verify")
@net_argument
def verify(net: str, form: str) -> Answer:
    """Checks the gradients of NET by every independent way.

    Every way at hand, side by side; the exit status is 1 where two differ.

    \b
    Examples:
      backcalc verify examples/shared-kernel.yaml
      backcalc verify net.yaml --format json
    """
    from backcalc.verify import verify as verify_network

    verification = verify_network(network(net))
    if form == "json":
        text = to_json(verification.to_json())
    else:
        from backcalc.render import verify_text

        text = verify_text.render(verification)
    if verification.passed:
        return Answer(text)
    return Answer(text, status=1, messages=("verification failed",))
