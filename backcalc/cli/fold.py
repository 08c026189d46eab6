"""`backcalc fold NET`."""

from __future__ import annotations

import backcalc
from backcalc.cli.common import Answer, ascii_option, command, net_argument, source, spelled, to_json


@command("fold", formats=("text", "latex", "yaml", "json"))
@net_argument
@ascii_option
def fold(net: str, plain: bool, form: str) -> Answer:
    """Makes NET smaller: linear layers multiplied out, norms folded.

    Stacked dense layers without an activation between them become one; a batch norm (as it answers after training)
    and normalised inputs go into the dense layer or convolution beside them, also past average pooling or flatten.
    Every fold comes with its derivation and the proof that both networks are equal; the exit status is 1 where that
    fails.

    \b
    Examples:
      backcalc fold examples/linear-stack.yaml
      backcalc fold examples/linear-stack.yaml --format yaml --output folded.yaml
    """
    folding = backcalc.fold(source(net))
    if form == "json":
        text = to_json(folding.to_json())
    elif form == "yaml":
        text = folding.yaml()
    elif form == "latex":
        from backcalc.render import fold_latex

        text = fold_latex.render(folding)
    else:
        from backcalc.render import fold_text

        text = fold_text.render(folding)
    messages = () if folding.folds else ("nothing to fold", *folding.notes)
    return Answer(
        spelled(text, plain, form, "Folded net.yaml"),
        status=0 if folding.passed else 1,
        messages=messages if form in ("yaml", "json") else (),
    )
