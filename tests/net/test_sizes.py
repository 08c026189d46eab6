"""Letters of a block that stand for another size in each copy, and the layer that is the output."""

from __future__ import annotations

import pytest

from backcalc.net import InputError, load_network

BLOCK = (
    "input: {{x: [3, 8, 8]}}\nlayers:\n  - repeat: {{name: b, times: {times}, sizes: {sizes}, layers: [{layers}]}}\n"
)
CONV = "conv2d: {name: z, filters: c, kernel: 1}"


def nodes(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(node.name, node.output_shape) for node in load_network(text).nodes]


def test_a_letter_is_another_number_in_each_copy() -> None:
    text = BLOCK.format(times=3, sizes="{c: [4, 5, 6]}", layers=CONV)
    assert nodes(text) == [("z_1", (4, 8, 8)), ("z_2", (5, 8, 8)), ("z_3", (6, 8, 8))]


def test_a_block_within_a_block_reads_the_letters_around_it() -> None:
    inner = f"{CONV}, repeat: {{times: n, layers: [conv2d: {{name: y, filters: c, kernel: 1}}]}}"
    text = BLOCK.format(times=2, sizes="{c: [4, 5], n: [1, 2]}", layers=inner)
    assert [name for name, _ in nodes(text)] == ["z_1", "y_1_1", "z_2", "y_2_1", "y_2_2"]


def test_letters_may_be_sizes_of_the_file() -> None:
    text = "sizes: {L: 2, c: 9}\n" + BLOCK.format(times="L", sizes="{c: [4, 5]}", layers=CONV)
    assert [shape[0] for _, shape in nodes(text)] == [4, 5]
    text = "sizes: {c: 9}\n" + BLOCK.format(times=2, sizes="{d: [4, 5]}", layers=CONV)
    assert [shape[0] for _, shape in nodes(text)] == [9, 9]


def test_it_is_what_one_would_write_out() -> None:
    text = BLOCK.format(times=2, sizes="{c: [4, 5]}", layers=CONV)
    written = "".join(f"  - {CONV.replace('z', f'z_{k}').replace('c,', f'{c},')}\n" for k, c in ((1, 4), (2, 5)))
    plain = load_network(f"input: {{x: [3, 8, 8]}}\nlayers:\n{written}")
    assert load_network(text).program.equations == plain.program.equations


@pytest.mark.parametrize(
    ("times", "sizes", "message"),
    [
        (3, "{c: [4, 5]}", "`c` has 2 numbers, but `times` is 3"),
        (2, "{c: [4]}", "`c` has 1 number, but `times` is 2"),
        (2, "{c: 4}", "expected a list of whole numbers, one for each copy, got `4`"),
        (2, "{c: [4, 0]}", "expected a whole number from 1"),
    ],
)
def test_letters_that_do_not_fit(times: int, sizes: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_network(BLOCK.format(times=times, sizes=sizes, layers=CONV))
    assert message in str(error.value)
    assert len(error.value.problems) == 1  # the letters that follow from it are not told too


HEADS = """\
input: 3
output: y
layers:
  - dense: {name: h, units: 4}
  - dense: {name: y, units: 2}
  - dense: {name: aux, inputs: h, units: 5}
loss: mse
"""


def test_the_output_is_the_layer_that_the_file_names() -> None:
    network = load_network(HEADS)
    assert network.needed() == {"h", "y"}
    assert network.program.shape("t") == network.program.shape("y")
    assert load_network(HEADS.replace("output: y\n", "")).needed() == {"h", "y", "aux"}


def test_an_output_that_is_no_layer() -> None:
    with pytest.raises(InputError, match=r"there is no layer `au`(.|\n)*did you mean `aux`\?"):
        load_network(HEADS.replace("output: y", "output: au"))
