"""ONNX operators that are named and whose arrays count, but not what they compute: with graphs inside, sums of
products, norms with the arrays of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.count import count
from backcalc.net import InputError
from backcalc.readers import read_file
from backcalc.readers.unknowns import refuse_unknown

from .hostile import axes, message, node, onnx, plain, value


def array(name: str, *sizes: int) -> bytes:
    """An array of single numbers, as a graph stores it, all 0."""
    count = 4
    for size in sizes:
        count *= size
    return (
        b"".join(plain(1, size) for size in sizes) + plain(2, 1) + message(8, name.encode()) + message(9, bytes(count))
    )


def branch(word: str, weight: str, inner: bytes = b"") -> bytes:
    """An attribute that is a graph: the product of `x`, which stands outside, and an array of its own."""
    graph = node("MatMul", ["x", weight], ["o"]) + message(5, array(weight, 4, 5)) + message(12, message(1, b"o"))
    return message(5, message(1, word.encode()) + message(6, graph + inner) + plain(20, 5))


def branching(*attributes: bytes) -> bytes:
    """`z = Relu(If(c))`; the file says that the branches put out `[1, 5]`."""
    both = message(1, message(1, b"c") + message(2, b"y") + message(4, b"If") + b"".join(attributes))
    condition = message(5, plain(2, 9) + message(8, b"c") + message(9, b"\1"))
    return onnx(both, node("Relu", ["y"], ["z"]), condition, message(13, message(1, b"y") + axes(1, 5)), out="z")


def test_the_arrays_of_both_branches_count(tmp_path: Path) -> None:
    path = tmp_path / "if.onnx"
    path.write_bytes(branching(branch("then_branch", "a"), branch("else_branch", "b")))
    network = read_file(path)
    table = count(network)
    assert (table.uncounted, table.totals.params) == (("y",), 2 * 4 * 5)
    assert table.rows[0].notes[0].startswith("the operator If is unknown: its operations are not counted")
    with pytest.raises(InputError, match="the operator If is unknown and not counted"):
        refuse_unknown(network)


def test_graphs_within_graphs_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "if.onnx"
    inner = b""
    for _ in range(10):
        inner = message(1, message(4, b"If") + branch("then_branch", "a", inner))
    path.write_bytes(branching(branch("then_branch", "b", inner)))
    with pytest.raises(InputError, match="graphs stand within graphs more than 8 deep"):
        read_file(path)


@pytest.mark.parametrize(
    ("equation", "output"), [("bi,ij->bj", (5,)), ("bi, ij -> bij", (4, 5)), ("bi,ij", None), ("...i,ij->...j", None)]
)
def test_a_sum_of_products(equation: str, output: tuple[int, ...] | None, tmp_path: Path) -> None:
    """Its axes are read off where every one has a letter; else the file must say them."""
    path = tmp_path / "einsum.onnx"
    words = message(5, message(1, b"equation") + message(4, equation.encode()) + plain(20, 3))
    product = message(1, message(1, b"x") + message(1, b"W") + message(2, b"y") + message(4, b"Einsum") + words)
    path.write_bytes(onnx(product, message(5, array("W", 4, 5)), given=value("x", 1, 4)))
    if output is None:
        with pytest.raises(InputError, match=r"the operator Einsum .* is unknown, and so is what it puts out"):
            read_file(path)
        return
    table = count(read_file(path))
    assert (table.rows[0].output_shape, table.rows[0].params, table.uncounted) == (output, 20, ("y",))


def test_a_norm_that_is_called_twice_has_its_arrays_once(tmp_path: Path) -> None:
    """A norm cannot name its arrays here: the second call is unknown, rather than counted as if it had its own."""
    path = tmp_path / "norm.onnx"
    calls = [node("LayerNormalization", [read, "g", "b"], [made]) for read, made in (("x", "h"), ("h", "y"))]
    arrays = [message(5, array(name, 4)) for name in "gb"]
    path.write_bytes(onnx(*calls, *arrays, message(13, message(1, b"y") + axes(1, 4))))
    table = count(read_file(path))
    assert ([row.kind for row in table.rows], table.totals.params) == (["layernorm", "unknown"], 8)
    assert "with weights that another layer has is unknown" in table.rows[1].notes[0]
