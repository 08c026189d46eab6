"""Claims that invite endless work, each with its answer and the reason; and what is refused, with the message."""

from __future__ import annotations

CLAIMS: tuple[tuple[str, bool | None, str], ...] = (
    ("(a + b + c + d + f + g)^60 = (g + f + d + c + b + a)^60 + 0*h", None, "a product has more than 3000 terms"),
    ("exp(exp(exp(exp(x)))) = exp(exp(exp(exp(x))))*(1 + 1/10^90)", None, "the normal forms of both sides differ"),
    ("sum(i=1..100000, x[i]) = sum(i=1..100000, x[i])", None, "no point was found at which both sides are defined"),
    ("diff(" + "tanh(" * 40 + "x" + ")" * 40 + ", x) = 1", False, "the left side is 0.0177286222908350989577067019281"),
    ("diff(" + "*".join(f"(x + {i})" for i in range(40)) + ", x) = x", False, "the left side is -2.09290500890455"),
    (
        "diff(diff(diff(diff(tanh(x)*sigmoid(x), x), x), x), x) = x + diff(diff(diff(tanh(x)*sigmoid(x), x), x), x)",
        False,
        "the left side is -0.574040407282897592124419408761, the right side is 0.03649613703525",
    ),
    ("((((x + 1)^20 + 1)^20 + 1)^20 + 1)^20 = 1 + y", False, "the left side is 2.5822994672360"),
    (" + ".join(f"max(a{i}, b{i})" for i in range(9)) + " = 0", False, "the left side is 22/97, the right side is 0"),
    (
        "tanh(tanh(tanh(tanh(tanh(tanh(x)))))) = tanh(tanh(tanh(tanh(tanh(tanh(-x))))))*(-1)",
        True,
        "both sides are the same",
    ),
)

REFUSED: tuple[tuple[list[str], str], ...] = (
    (["x"], "a claim is an equality, `left = right`, or a chain of them; there is no `=` in this one"),
    (["x = "], "the formula is empty"),
    (["relu(x = x"], "`(` is never closed"),
    (["tanh'(x) = 1"], "help: a derivative is written `diff(tanh(x), x)`"),
    (["diff(x, 3) = 1"], "`diff(f, x)` takes a name to differentiate by, not `3`"),
    (["diff(f, x) = 1"], "nothing says how `f` depends on `x`: write its formula for it"),
    (["9^9^9^9 = 1"], "a power in the claim is too large to be computed"),
    (["x = x", "--given", "x"], "this is no assumption that can be used: `x`"),
    (["x = x", "--given", "x: K"], "a shape is written `z: [K]` or `W: [2, N]`, not `x: K`"),
    (["x = x", "--given", "z: [1/2]"], "a size is a number from 1 to 100 or a letter, not `1/2`"),
    (["x = x", "--given", "a = b, b = a"], "`b` is given by itself"),
    (["x[i] = 0", "--given", "i < 3"], "an assumption is about numbers and arrays, not about an index"),
    (["diff(softmax(z), z) = 1", "--given", "z: [K]"], "say which element by which"),
)
