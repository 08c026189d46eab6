"""`backcalc zoo`."""

from __future__ import annotations

from backcalc.cli.common import Answer, command, to_json


@command("zoo")
def zoo(form: str) -> Answer:
    """Lists the built-in networks.

    Each name can stand where a command takes NET.

    \b
    Example:
      backcalc zoo
    """
    from backcalc.net.zoo import NETWORKS

    if form == "json":
        networks = [{"name": name, "description": description} for name, description in NETWORKS.items()]
        return Answer(to_json({"schema_version": 1, "networks": networks}))
    width = max(map(len, NETWORKS), default=0)
    return Answer("\n".join(f"{name:<{width}}  {description}" for name, description in NETWORKS.items()))
