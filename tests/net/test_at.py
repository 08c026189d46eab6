"""Numbers for sizes from outside the file, sizes made of others, and blocks that stand a letter of times."""

from __future__ import annotations

import pytest

import backcalc
from backcalc.net import InputError, load_network
from backcalc.net.sizes import sizes

NET = "{sizes: {N: 8, width: null}, input: {x: [N, 4]}, layers: [dense: 2*width + 1, dense: width]}"
LETTERED = (
    "{{sizes: {{L: null}}, input: {{x: [3, 4]}}, layers: [repeat: {{times: L, layers: [dense: {}]}}], loss: mse}}"
)


def test_numbers_are_put_in_for_letters_and_for_numbers() -> None:
    assert load_network(NET, at={"width": 5}).nodes[-1].output_shape == (8, 5)
    assert load_network(NET, at={"width": 5, "N": 2}).nodes[0].output_shape == (2, 11)
    assert backcalc.count("gpt2", at={"T": 128}).totals.params == 124_439_808
    assert backcalc.count("gpt2", at={"T": 128}).inputs["x"] == (128,)


def test_a_size_of_others_counts_as_a_polynomial() -> None:
    assert str(backcalc.count(load_network(NET)).rows[0].params) == "(10*width + 5)"


@pytest.mark.parametrize(
    ("at", "message", "help"),
    [
        ("widht=5", "<text> has no size `widht`", "did you mean `width`?"),
        ("M=5", "<text> has no size `M`", "its sizes are N, width"),
        ("N=0", "`N`: expected a whole number from 1 to 1000000000, got `0`", None),
        ("N=x", "`N`: expected a whole number from 1 to 1000000000, got `x`", None),
        ("N=1,N=2", "`N` is given twice", None),
        ("5", "expected sizes, got `5`", "write `N=1024,d=768`"),
    ],
)
def test_what_cannot_be_put_in(at: str, message: str, help: str | None) -> None:
    with pytest.raises(InputError) as caught:
        load_network(NET, at=sizes(at))
    (problem,) = caught.value.problems
    assert (problem.message, problem.help) == (message, help)


def test_a_file_without_sizes_says_so() -> None:
    with pytest.raises(InputError, match=r"lenet5 has no size `T`(.|\n)*it declares no `sizes`"):
        load_network("lenet5", at={"T": 3})


def test_a_block_stands_a_letter_of_times() -> None:
    table = backcalc.count(load_network(LETTERED.format(4)))
    assert (str(table.totals.params), str(table.totals.macs.value)) == ("20*L", "48*L")
    assert any("it stands L times" in note for note in table.rows[0].notes)
    for times in (1, 2, 7):
        numbers = backcalc.count(load_network(LETTERED.format(4), at={"L": times}))
        assert (numbers.totals.params, numbers.totals.macs.value) == (20 * times, 48 * times)


def test_such_a_block_has_no_equations() -> None:
    with pytest.raises(InputError, match="`dense_1` stands L times: a network of so many layers has no equations"):
        backcalc.grad(load_network(LETTERED.format(4)))


def test_such_a_block_comes_back_to_its_shape() -> None:
    with pytest.raises(InputError, match=r"it must put out what the block reads, \[3, 4\], not \[3, 5\]"):
        load_network(LETTERED.format(5))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        ("{sizes: {L: null}, input: {x: 3}, layers: [repeat: {times: 2*L, layers: [relu]}]}", "or a letter alone"),
        ("{sizes: {d: 4}, input: {x: d - 5}, layers: [relu]}", "`input`: expected a size, got `d - 5`"),
        ("{sizes: {d: 4}, input: {x: 3}, layers: [dense: d - 4]}", "expected a whole number from 1"),
        ("{sizes: {d: 4}, input: {x: 3}, layers: [dense: 4*w]}", "expected a whole number, got `4*w`"),
        ("{sizes: {d: 4}, input: {x: 3}, layers: [dense: d*d*d*d*d*d*d*d*d*d*d*d*d*d*d*d*d*d]}", "is more than"),
    ],
)
def test_sizes_of_others_that_are_none(net: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_network(net)
    assert message in str(caught.value)
