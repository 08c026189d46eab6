"""What every form of a folding says in words: titles, the summary, the induction over a stack."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.transform.folding import Folding, Stack, params

TITLES = {
    "stack": "Linear layers multiplied out",
    "norm behind": "Norm into the layer before it",
    "norm before": "Norm into the layer behind it",
}
SCOPE = "Equal as the networks answer one sample; training them would move different parameters."


def summary(folding: Folding) -> str:
    """What happened, in a sentence."""
    if not folding.folds:
        why = "no two linear layers in a row, no norm beside a dense layer or a convolution"
        if not folding.original.nodes:
            why = "the network is a set of equations; folding works on layers"
        elif folding.notes:
            why = "every reason is noted below"
        return f"Nothing to fold: {why}."
    before, after = (len(network.nodes) for network in (folding.original, folding.network))
    counts = [params(network.nodes) for network in (folding.original, folding.network)]
    return f"{before} layers become {after}, {counts[0]} parameters become {counts[1]}."


def induction(stack: Stack) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """The collapse of a stack: a sentence, and the sides of an equation where one belongs to it."""
    count = len(stack.layers)
    biased = any(bias is not None for bias in stack.biases)
    yield "Claim: the k-th of them is linear in x,", ("h_k", f"A_k·x{' + c_k' if biased else ''}")
    yield "Base, k = 1:", ("A_1", stack.weights[0])
    if biased:
        yield "", ("c_1", stack.biases[0] or "0")
    yield (
        "Step, from k − 1 to k:",
        (
            "h_k",
            f"W_k·h_(k−1){' + b_k' if biased else ''}",
            f"W_k·(A_(k−1)·x{' + c_(k−1)' if biased else ''}){' + b_k' if biased else ''}",
            f"(W_k·A_(k−1))·x{' + (W_k·c_(k−1) + b_k)' if biased else ''}",
        ),
    )
    product = "·".join(reversed(stack.weights))
    yield (
        f"so that A_k = W_k·A_(k−1){' and c_k = W_k·c_(k−1) + b_k' if biased else ''}. After {count} layers:",
        (
            "W",
            f"W_{count}…W_1" if count > 2 else "W_2·W_1",
            product,
        ),
    )
    if biased:
        parts = []
        for place, bias in enumerate(stack.biases):
            if bias is not None:
                parts.append("·".join([*reversed(stack.weights[place + 1 :]), bias]))
        yield "", ("b", f"Σ_{{k=1..{count}}} (W_{count}…W_(k+1))·b_k", " + ".join(parts))
    narrow = f"min({', '.join(map(str, stack.widths))}) = {stack.rank}"
    if stack.rank < min(stack.widths[0], stack.widths[-1]):
        yield f"The rank of W is at most {narrow}: not every linear map is reached, for one layer is narrow.", None
    else:
        yield f"The rank of W is at most {narrow}, which is no restriction: one layer can be any linear map too.", None
