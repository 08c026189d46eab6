"""Formulas as books and papers print them, against ours: by our own equality, and by numbers.

Every case states a program, the formulas of the source over its names, and what they are the derivatives of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.derive.key import key
from backcalc.derive.same import same
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Ref, num, substitute

from .rows import slope, values_of
from .witness import MP, Store, places, random_leaves, value

CLOSE = MP.mpf(10) ** -25


@dataclass(frozen=True)
class Book:
    """`formulas` are the source's, by what they differentiate; `otherwise` those that are equal, in another form."""

    source: str
    net: Mapping[str, Any]
    formulas: Mapping[str, str]
    otherwise: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    loss: str = "J"


BOOKS = {
    "softmax": Book(
        "C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equation 4.106",
        {"sizes": {"K": None}, "equations": "y[k] = exp(a[k])/sum(j=1..K, exp(a[j]))", "find": ["dy/da"]},
        {"dy/da[k,i]": "y[k]*((i == k) - y[i])"},
        sizes={"K": 4},
        loss="y",
    ),
    "batch norm": Book(
        "S. Ioffe, C. Szegedy, Batch normalization, ICML 2015, section 3",
        {
            "sizes": {"m": None},
            "equations": """
                mu = 1/m*sum(i=1..m, x[i])
                var = 1/m*sum(i=1..m, (x[i] - mu)^2)
                xhat[i] = (x[i] - mu)/sqrt(var + eps)
                y[i] = gamma*xhat[i] + beta
                J = sum(i=1..m, y[i]*g[i])
            """,
        },
        {
            "dJ/dxhat[i]": "dJ/dy[i]*gamma",
            "dJ/dgamma": "sum(i=1..m, dJ/dy[i]*xhat[i])",
            "dJ/dbeta": "sum(i=1..m, dJ/dy[i])",
        },
        {
            "dJ/dvar": "sum(i=1..m, dJ/dxhat[i]*(x[i] - mu)*(-1/2)*(var + eps)^(-3/2))",
            "dJ/dmu": "sum(i=1..m, dJ/dxhat[i]*(-1)/sqrt(var + eps)) + dJ/dvar*sum(i=1..m, -2*(x[i] - mu))/m",
            "dJ/dx[i]": "dJ/dxhat[i]/sqrt(var + eps) + dJ/dvar*2*(x[i] - mu)/m + dJ/dmu/m",
        },
        sizes={"m": 5},
    ),
    "batch norm in three terms": Book(
        "the same, collected: dx = (γ/(m·σ))·(m·dy − Σ dy − x̂·Σ dy·x̂)",
        {
            "sizes": {"m": None, "n": None},
            "equations": """
                mu[j] = 1/m*sum(i=1..m, x[i,j])
                var[j] = 1/m*sum(i=1..m, (x[i,j] - mu[j])^2)
                xhat[i,j] = (x[i,j] - mu[j])/sqrt(var[j] + eps)
                y[i,j] = gamma[j]*xhat[i,j] + beta[j]
                J = sum(i=1..m, sum(j=1..n, y[i,j]^2*g[i,j]))
            """,
        },
        {},
        {
            "dJ/dx[i,j]": "gamma[j]/(m*sqrt(var[j] + eps))*(m*dJ/dy[i,j] - sum(k=1..m, dJ/dy[k,j])"
            " - xhat[i,j]*sum(k=1..m, dJ/dy[k,j]*xhat[k,j]))",
        },
        sizes={"m": 5, "n": 2},
    ),
    "layer norm": Book(
        "J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization, 2016, equation 4, differentiated",
        {
            "sizes": {"T": None, "H": None},
            "equations": """
                mu[t] = 1/H*sum(i=1..H, a[t,i])
                var[t] = 1/H*sum(i=1..H, (a[t,i] - mu[t])^2)
                n[t,i] = (a[t,i] - mu[t])/sqrt(var[t] + eps)
                h[t,i] = g[i]*n[t,i] + b[i]
                J = sum(t=1..T, sum(i=1..H, h[t,i]^3))
            """,
        },
        {
            "dJ/dg[i]": "sum(t=1..T, dJ/dh[t,i]*n[t,i])",
            "dJ/db[i]": "sum(t=1..T, dJ/dh[t,i])",
            "dJ/dn[t,i]": "dJ/dh[t,i]*g[i]",
        },
        {
            "dJ/da[t,i]": "1/sqrt(var[t] + eps)*(dJ/dn[t,i] - 1/H*sum(k=1..H, dJ/dn[t,k])"
            " - n[t,i]*1/H*sum(k=1..H, dJ/dn[t,k]*n[t,k]))",
        },
        sizes={"T": 2, "H": 5},
    ),
    "attention": Book(
        "A. Vaswani et al., Attention is all you need, 2017, equation 1; dS = P∘(dP − rowsum(dP∘P))",
        {
            "sizes": {"T": None, "S": None, "D": None, "E": None},
            "equations": """
                s[i,j] = sum(k=1..D, q[i,k]*w[j,k])/sqrt(D)
                p[i,j] = exp(s[i,j])/sum(k=1..S, exp(s[i,k]))
                o[i,c] = sum(j=1..S, p[i,j]*v[j,c])
                J = sum(i=1..T, sum(c=1..E, o[i,c]^2*g[i,c]))
            """,
        },
        {
            "dJ/dv[j,c]": "sum(i=1..T, p[i,j]*dJ/do[i,c])",
            "dJ/dp[i,j]": "sum(c=1..E, dJ/do[i,c]*v[j,c])",
            "dJ/ds[i,j]": "p[i,j]*(dJ/dp[i,j] - sum(k=1..S, dJ/dp[i,k]*p[i,k]))",
            "dJ/dq[i,k]": "sum(j=1..S, dJ/ds[i,j]*w[j,k])/sqrt(D)",
            "dJ/dw[j,k]": "sum(i=1..T, dJ/ds[i,j]*q[i,k])/sqrt(D)",
        },
        sizes={"T": 2, "S": 3, "D": 4, "E": 5},
    ),
    "backpropagation through time": Book(
        "P. J. Werbos, Proc. IEEE 78, 1990; I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, 10.2.2",
        {
            "sizes": {"T": None, "n": None, "m": None},
            "equations": """
                h[t,i] = tanh(b[i] + sum(k=1..n, W[i,k]*h[t-1,k]) + sum(k=1..m, U[i,k]*x[t,k]))
                h[0,i] = h0[i]
                o[t] = c + sum(i=1..n, V[i]*h[t,i])
                J = 1/2*sum(t=1..T, (o[t] - y[t])^2)
            """,
        },
        {
            "dJ/dc": "sum(t=1..T, dJ/do[t])",
            "dJ/db[i]": "sum(t=1..T, (1 - h[t,i]^2)*dJ/dh[t,i])",
            "dJ/dV[i]": "sum(t=1..T, dJ/do[t]*h[t,i])",
            "dJ/dW[i,k]": "sum(t=1..T, (1 - h[t,i]^2)*dJ/dh[t,i]*h[t-1,k])",
            "dJ/dU[i,k]": "sum(t=1..T, (1 - h[t,i]^2)*dJ/dh[t,i]*x[t,k])",
        },
        {"dJ/dh[t,i]": "sum(k=1..n, W[k,i]*(1 - h[t+1,k]^2)*dJ/dh[t+1,k])*(t < T) + V[i]*dJ/do[t]"},
        sizes={"T": 3, "n": 2, "m": 4},
    ),
    "logistic regression": Book(
        "C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equations 4.91 and 4.97",
        {
            "sizes": {"N": None, "M": None},
            "equations": """
                a[n] = sum(j=1..M, w[j]*phi[n,j])
                y[n] = sigmoid(a[n])
                J = -sum(n=1..N, t[n]*log(y[n]) + (1 - t[n])*log(1 - y[n]))
            """,
            "find": ["w", "d^2J/dw^2"],
        },
        {"dJ/da[n]": "y[n] - t[n]", "d^2J/dw^2[j,i]": "sum(n=1..N, y[n]*(1 - y[n])*phi[n,j]*phi[n,i])"},
        {"dJ/dw[j]": "sum(n=1..N, (y[n] - t[n])*phi[n,j])"},
        sizes={"N": 4, "M": 3},
    ),
    "skip-gram with softmax": Book(
        "T. Mikolov et al., 2013, equation 2; X. Rong, word2vec parameter learning explained, 2014, equations 8 to 12",
        {
            "sizes": {"V": None, "D": None},
            "equations": """
                s[w] = sum(d=1..D, u[w,d]*v[d])
                p[w] = exp(s[w])/sum(k=1..V, exp(s[k]))
                J = -log(p[o])
            """,
        },
        {
            "dJ/ds[w]": "p[w] - (w == o)",
            "dJ/du[w,d]": "dJ/ds[w]*v[d]",
            "dJ/dv[d]": "sum(w=1..V, dJ/ds[w]*u[w,d])",
        },
        {},
        sizes={"V": 5, "D": 3},
    ),
    "skip-gram with negative samples": Book(
        "Y. Goldberg, O. Levy, word2vec explained, 2014, equation 4; T. Mikolov et al., 2013, equation 4",
        {
            "sizes": {"K": None, "D": None},
            "equations": """
                a = sum(d=1..D, u[d]*v[d])
                b[k] = sum(d=1..D, n[k,d]*v[d])
                J = -log(sigmoid(a)) - sum(k=1..K, log(sigmoid(-b[k])))
            """,
        },
        {"dJ/da": "sigmoid(a) - 1", "dJ/du[d]": "dJ/da*v[d]", "dJ/dn[k,d]": "dJ/db[k]*v[d]"},
        {"dJ/db[k]": "sigmoid(b[k])", "dJ/dv[d]": "(sigmoid(a) - 1)*u[d] + sum(k=1..K, sigmoid(b[k])*n[k,d])"},
        sizes={"K": 4, "D": 3},
    ),
    "normal distribution": Book(
        "C. M. Bishop, Mixture density networks, 1994, section 3, for one component: mean and variance",
        {
            "sizes": {"N": None},
            "equations": "J = sum(i=1..N, 1/2*log(2*pi*v[i]^2) + (x[i] - mu[i])^2/(2*v[i]^2))",
        },
        {"dJ/dmu[i]": "(mu[i] - x[i])/v[i]^2"},
        {"dJ/dv[i]": "1/v[i] - (x[i] - mu[i])^2/v[i]^3"},
        sizes={"N": 3},
    ),
    "normal distribution by its log-variance": Book(
        "D. A. Nix, A. S. Weigend, Estimating the mean and variance of the target probability distribution, 1994",
        {
            "sizes": {"N": None},
            "equations": "J = 1/2*sum(i=1..N, log(2*pi) + s[i] + (x[i] - mu[i])^2*exp(-s[i]))",
        },
        {"dJ/dmu[i]": "(mu[i] - x[i])*exp(-s[i])", "dJ/ds[i]": "1/2*(1 - (x[i] - mu[i])^2*exp(-s[i]))"},
        sizes={"N": 3},
    ),
    "KL of Gaussians": Book(
        "D. P. Kingma, M. Welling, Auto-encoding variational Bayes, 2014, appendix B",
        {
            "sizes": {"D": None},
            "equations": "J = -1/2*sum(d=1..D, 1 + log(sigma[d]^2) - mu[d]^2 - sigma[d]^2)",
        },
        {"dJ/dmu[d]": "mu[d]", "dJ/dsigma[d]": "sigma[d] - 1/sigma[d]"},
        sizes={"D": 3},
    ),
    "ridge regression": Book(
        "A. E. Hoerl, R. W. Kennard, Ridge regression, 1970: ∇ = 2Xᵀ(Xw − y) + 2λw",
        {
            "sizes": {"N": None, "D": None},
            "equations": """
                r[n] = sum(d=1..D, X[n,d]*w[d]) - y[n]
                J = sum(n=1..N, r[n]^2) + lambda*sum(d=1..D, w[d]^2)
            """,
        },
        {"dJ/dr[n]": "2*r[n]"},
        {"dJ/dw[d]": "2*sum(n=1..N, X[n,d]*r[n]) + 2*lambda*w[d]"},
        sizes={"N": 4, "D": 3},
    ),
    "LSTM": Book(
        "A. Graves, Supervised sequence labelling with recurrent neural networks, 2012, section 4.6, without peepholes",
        {
            "sizes": {"T": None, "H": None},
            "equations": """
                i[t,j] = sigmoid(x[t,1,j] + sum(k=1..H, Ui[j,k]*h[t-1,k]))
                f[t,j] = sigmoid(x[t,2,j] + sum(k=1..H, Uf[j,k]*h[t-1,k]))
                g[t,j] = tanh(x[t,3,j] + sum(k=1..H, Ug[j,k]*h[t-1,k]))
                o[t,j] = sigmoid(x[t,4,j] + sum(k=1..H, Uo[j,k]*h[t-1,k]))
                c[t,j] = f[t,j]*c[t-1,j] + i[t,j]*g[t,j]
                h[t,j] = o[t,j]*tanh(c[t,j])
                h[0,j] = 0
                c[0,j] = 0
                J = sum(t=1..T, sum(j=1..H, h[t,j]^2*w[t,j]))
            """,
            "shapes": {"x": ["T", 4, "H"]},
        },
        {
            "dJ/do[t,j]": "dJ/dh[t,j]*tanh(c[t,j])",
            "dJ/dc[t,j]": "dJ/dh[t,j]*o[t,j]*(1 - tanh(c[t,j])^2) + dJ/dc[t+1,j]*f[t+1,j]*(t < T)",
            "dJ/di[t,j]": "dJ/dc[t,j]*g[t,j]",
            "dJ/df[t,j]": "dJ/dc[t,j]*c[t-1,j]",
            "dJ/dg[t,j]": "dJ/dc[t,j]*i[t,j]",
            "dJ/dUf[j,k]": "sum(t=1..T, dJ/df[t,j]*f[t,j]*(1 - f[t,j])*h[t-1,k])",
        },
        sizes={"T": 3, "H": 2},
    ),
}
CASES = [(book, left) for book, case in BOOKS.items() for left in (*case.formulas, *case.otherwise)]


def derivation(book: Book) -> Derivation:
    return derive(backcalc.load(dict(book.net)))


def of(found: Derivation, left: str) -> tuple[Derivation, str, tuple[str, ...], Expr, Expr]:
    """The part, array, indices, chain and closed form of what stands on the left, with the source's indices."""
    name, _, inside = left.removesuffix("]").partition("[")
    wanted = tuple(inside.split(",")) if inside else ()
    for part in found.parts:
        for adjoint in part.adjoints.values():
            if adjoint.name == name:
                values: dict[str, Expr] = {a: Ref(b) for a, b in zip(adjoint.indices, wanted, strict=True)}
                return part, adjoint.of, wanted, substitute(adjoint.chain, values), substitute(adjoint.closed, values)
    raise AssertionError(f"{left} is not derived")


def read(text: str) -> Expr:
    return read_expression(text, losses={"J"})


@pytest.mark.parametrize(("name", "left"), [(n, left) for n, left in CASES if left in BOOKS[n].formulas], ids=str)
def test_ours_is_the_formula_of_the_source(name: str, left: str) -> None:
    _, _, _, chain, closed = of(derivation(BOOKS[name]), left)
    assert key(read(BOOKS[name].formulas[left])) in (key(chain), key(closed)), (to_text(chain), to_text(closed))


@pytest.mark.parametrize(("name", "left"), [(n, left) for n, left in CASES if left in BOOKS[n].otherwise], ids=str)
def test_ours_is_the_formula_of_the_source_in_another_form(name: str, left: str) -> None:
    part, _, indices, _, closed = of(derivation(BOOKS[name]), left)
    book = read(BOOKS[name].otherwise[left])
    assert same(closed, book, part.program, part.adjoints, indices)
    assert not same(Add((closed, num(1))), book, part.program, part.adjoints, indices)


@pytest.mark.parametrize(("name", "left"), CASES, ids=str)
def test_the_formula_of_the_source_is_the_derivative(name: str, left: str) -> None:
    """Numbers: the source's formula, ours, and the difference quotient, at sizes that all differ."""
    book = BOOKS[name]
    found = derivation(book)
    part, by, indices, _, closed = of(found, left)
    text = {**book.formulas, **book.otherwise}[left]
    leaves: Store = random_leaves(part.program, 5, book.sizes)
    for positive in ("eps", "sigma"):
        if positive in leaves:
            leaves[positive] = {at: abs(number) for at, number in leaves[positive].items()}
    if "o" in leaves and name == "skip-gram with softmax":
        leaves["o"] = {(): MP.mpf(2)}
    store = values_of(part, leaves, book.sizes)
    lead = len(indices) - len(part.program.shapes[by])
    everywhere = [
        (at, place)
        for at in places(part.program, part.loss, book.sizes)
        for place in places(part.program, by, book.sizes)
    ]
    assert all(len(at) == lead for at, _ in everywhere)
    for at, place in everywhere[:: max(1, len(everywhere) // 6)]:
        frame = {**book.sizes, **dict(zip(indices, at + place, strict=True))}
        true = slope(part.program, leaves, book.sizes, (part.loss, at), (by, place))
        for formula in (read(text), closed):
            assert abs(value(formula, frame, store, part.program.padded) - true) <= CLOSE * max(1, abs(true))
