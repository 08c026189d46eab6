"""Small real files of every format, whole, cut off and hostile; what is drawn; how data are parted and scaled."""

from __future__ import annotations

import gzip
import importlib.util
import os
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.numeric.data import Data, DataError, load_data, scaled, split, stacked, standardised
from backcalc.numeric.data.pickled import plain
from backcalc.numeric.data.strata import strata

PIXELS = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
LABELS = np.array([*range(10)], np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 28, 28)).astype(np.uint8)


def idx(array: Any) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


FILES = {
    "train-images-idx3-ubyte": IMAGES,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": PIXELS,
    "t10k-labels-idx1-ubyte": LABELS[:3],
}


def put_mnist(folder: Path, *, packed: bool = False, dotted: bool = False) -> None:
    for name, array in FILES.items():
        name = name.replace("-idx", ".idx") if dotted else name
        content = idx(array)
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("how", [{}, {"packed": True}, {"dotted": True}])
def test_mnist_from_idx_files(tmp_path: Path, how: dict[str, bool]) -> None:
    put_mnist(tmp_path, **how)
    data = load_data(f"mnist:{tmp_path}")
    assert data.shape == (1, 28, 28) and data.size == 10 and len(data.classes) == 10
    np.testing.assert_array_equal(np.rint(data.x[:, 0] * 255), IMAGES)
    np.testing.assert_array_equal(data.y_test, [0, 1, 2])
    assert data.x.dtype == np.float32 and data.notes == ("pixels divided by 255",)


def test_fashion_mnist_from_keras(tmp_path: Path) -> None:
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": PIXELS, "y_test": LABELS[:3]}
    np.savez(tmp_path / "fashion_mnist.npz", **arrays)
    data = load_data(f"fashion_mnist:{tmp_path}")
    assert data.classes[9] == "Ankle boot" and data.x_test is not None and data.x_test.shape == (3, 1, 28, 28)
    del arrays["y_test"]
    np.savez(tmp_path / "fashion_mnist.npz", **arrays)
    with pytest.raises(DataError, match="has no array `y_test`"):
        load_data(f"fashion_mnist:{tmp_path}")


def test_the_error_says_which_file_to_put_where(tmp_path: Path) -> None:
    put_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError) as error:
        load_data(f"mnist:{tmp_path}")
    wanted = "`t10k-labels-idx1-ubyte` (or `t10k-labels-idx1-ubyte.gz`)"
    assert (
        str(error.value)
        == f"mnist (without `mnist.npz`): there is no {wanted} in the folder `{tmp_path}`; put it there, "
        "or load it by `--download`"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(IMAGES)[:-5], "should hold 7840 bytes of data, but holds 7835: load it again"),
        (b"GIF89a", "is no IDX file of bytes"),
        (idx(IMAGES)[:6], "is cut off"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 28), "should hold"),
    ],
)
def test_damaged_idx_files(tmp_path: Path, content: bytes, message: str) -> None:
    put_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_data(f"mnist:{tmp_path}")


def test_gzip_that_is_cut_off(tmp_path: Path) -> None:
    put_mnist(tmp_path, packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(DataError, match="is cut off or damaged: load it again"):
        load_data(f"mnist:{tmp_path}")


ROWS = np.random.default_rng(1).integers(0, 256, (12, 3072)).astype(np.uint8)
THINGS = [*range(10), 3, 7]


def put_binary(folder: Path) -> None:
    records = np.concatenate([np.array(THINGS, np.uint8)[:, None], ROWS], axis=1)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(records.tobytes())


def put_python(folder: Path, protocol: int) -> None:
    inner = folder / "cifar-10-batches-py"
    inner.mkdir()
    content = pickle.dumps({b"labels": THINGS, b"data": ROWS, b"batch_label": b"one of 5"}, protocol=protocol)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (inner / name).write_bytes(content)


@pytest.mark.parametrize("protocol", [None, 2, 3, 4])
def test_cifar10(tmp_path: Path, protocol: int | None) -> None:
    if protocol is None:
        put_binary(tmp_path)
    else:
        put_python(tmp_path, protocol)
    data = load_data(f"cifar10:{tmp_path}")
    assert data.x.shape == (60, 3, 32, 32) and data.classes[3] == "cat"
    np.testing.assert_array_equal(np.rint(data.x[12:24].reshape(12, -1) * 255), ROWS)
    np.testing.assert_array_equal(data.y_test, THINGS)


def python_2(data: bytes) -> bytes:
    """What Python 2's cPickle writes at protocol 2: byte strings as BINSTRING, `data` as the state of an array."""
    rows = len(data) // 3072
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = (
        b"(K\x01K" + bytes([rows]) + b"M\x00\x0c\x86" + kind + b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"
    )
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in THINGS) + b"e"
    return b"\x80\x02}(U\x06labels" + labels + b"U\x04data" + array + state + b"u."


def test_a_batch_as_python_2_wrote_it() -> None:
    found = plain(python_2(ROWS.tobytes()), "data_batch_1")
    assert found["labels"] == THINGS
    np.testing.assert_array_equal(found["data"], ROWS)


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["BACKCALC_EVIL"],)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_pickled_is_ever_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    monkeypatch.setenv("BACKCALC_EVIL", str(tmp_path / "evil"))
    for content in (Evil(), {"data": Evil()}, [1, Evil()]):
        with pytest.raises(DataError, match=r"holds (the name \w+\.mkdir|the operation \w+); only plain numbers"):
            plain(pickle.dumps(content, protocol=protocol), "file")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x02}(U\x06labels", b"not a pickle", b"cnumpy\ndtype\n.", b"\x80\x02]" + b"2" * 600_000 + b"."],
)
def test_damaged_pickles(content: bytes) -> None:
    with pytest.raises(DataError, match=r"`file` (is cut off|holds)"):
        plain(content, "file")


def test_csv_of_classes_and_of_numbers(tmp_path: Path) -> None:
    file = tmp_path / "flowers.csv"
    file.write_text("width, length, kind\n1,2,b\n3,4.5,a\n5,6,b\n", encoding="utf-8")
    data = load_data(f"csv:{file}#kind")
    assert data.classes == ("a", "b") and data.y.tolist() == [1, 0, 1] and data.x.tolist() == [[1, 2], [3, 4.5], [5, 6]]
    file.write_text("width,length\n1,2\n3,4.5\n", encoding="utf-8")
    data = load_data(f"csv:{file}#length")
    assert data.classes == () and data.y.tolist() == [[2], [4.5]]


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("a,b\n1,2\n", "c", "has no column `c`"),
        ("width,b\n1,2\n", "widht", "did you mean `width`"),
        ("a,b\n1,x\n2,3\n", "a", "row 2 of .*, column `b`: `x` is no number"),
        ("a,b\n1,2\n1\n", "a", "line 3 of .* has 1 columns, but the first line has 2"),
        ("a,b\n", "a", "has no rows"),
        ("", "a", "has no rows"),
        ("a,b\n1,nan\n", "a", "row 2 of .*, column `b` is not finite"),
        ("a\n1\n", "a", "has no column besides the target"),
    ],
)
def test_faults_of_csv_have_their_place(tmp_path: Path, text: str, target: str, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_data(f"csv:{file}#{target}")


def test_npz(tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    np.savez(file, x_train=np.ones((3, 2)), y_train=np.array([0, 1, 1]))
    data = load_data(f"npz:{file}")
    assert data.classes == ("0", "1") and data.x_test is None
    np.savez(file, x_train=np.ones((3, 2)), y_train=np.eye(3), x_test=np.ones((1, 2)), y_test=np.eye(3)[:1])
    data = load_data(f"npz:{file}")
    assert data.classes == ("0", "1", "2") and data.y.tolist() == [0, 1, 2]
    np.savez(file, x_train=np.ones((3, 2)), y_train=np.array([0.5, 1.5, 2]))
    assert load_data(f"npz:{file}").classes == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((2, 2))}, "has no array `x_train`; it has `x`"),
        ({"x_train": np.ones((2, 2)), "y_train": np.array(["a", "b"])}, "does not hold numbers"),
        ({"x_train": np.array([[np.nan]]), "y_train": np.ones(1)}, "holds a number that is not finite"),
        ({"x_train": np.ones((2, 2)), "y_train": np.array([0, 1, 0])}, "2 inputs and 3 targets"),
        ({"x_train": np.ones((2, 2)), "y_train": np.array([0, 2])}, "no sample for training has the class `1`"),
        ({"x_train": np.ones((2, 2)), "y_train": np.array([0, -1])}, "label -1 is none of the 1 classes"),
        ({"x_train": np.ones((2, 2)), "y_train": np.array([0, 2**40])}, "holds the label 1099511627776, but classes"),
        (
            {"x_train": np.ones((2, 2)), "y_train": np.arange(2), "x_test": np.ones((1, 2)), "y_test": np.array([7])},
            "the test label 7 is none of the 2 classes",
        ),
        ({"x_train": np.ones((0, 2)), "y_train": np.ones(0)}, "there are no samples for training"),
        ({"x_train": np.ones(2), "y_train": np.ones(2)}, "needs an axis of samples and one of features"),
        (
            {"x_train": np.ones((2, 2)), "y_train": np.ones(2), "x_test": np.ones((2, 2))},
            "one of `x_test` and `y_test`",
        ),
    ],
)
def test_faults_of_npz(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_data(f"npz:{tmp_path / 'own.npz'}")


def test_npz_with_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"no \.npz file of plain arrays"):
        load_data(f"npz:{tmp_path / 'own.npz'}")


def claiming(side: int) -> bytes:
    """A PNG with the header of a square of that many pixels a side, and hardly anything in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def test_folders_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no folders; put the pictures"):
        load_data(f"images:{tmp_path}")
    (tmp_path / "a").mkdir()
    if importlib.util.find_spec("PIL") is None:
        with pytest.raises(DataError, match="pip install pillow"):
            load_data(f"images:{tmp_path}")
        return
    from PIL import Image

    (tmp_path / "b").mkdir()
    for name, value in (("a/1.png", 0), ("a/2.png", 255), ("b/1.png", 51)):
        Image.fromarray(np.full((4, 5), value, np.uint8)).save(tmp_path / name)
    (tmp_path / "b" / "2.png").write_bytes(b"no picture")
    whole = (tmp_path / "b" / "1.png").read_bytes()
    (tmp_path / "b" / "3.png").write_bytes(whole[:-20])
    for name, side in (("4", 9_000), ("5", 10_000), ("6", 60_000)):  # headers that promise a picture of that size
        (tmp_path / "b" / f"{name}.png").write_bytes(claiming(side))
    data = load_data(f"images:{tmp_path}")
    assert data.x.shape == (3, 1, 4, 5) and data.y.tolist() == [0, 0, 1]
    assert data.x[2, 0, 0, 0] == pytest.approx(0.2) and data.notes[1] == (
        "left out, damaged: b/2.png, b/3.png, b/4.png, b/5.png, b/6.png"
    )
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"there is no picture in the folders of .*; left out, damaged: b/2.png, b/3"):
        load_data(f"images:{tmp_path}")


def test_bundled_data_or_what_to_install() -> None:
    if importlib.util.find_spec("sklearn") is None:
        with pytest.raises(
            DataError, match=r"comes with scikit-learn, which is not installed: `pip install backcalc\[data\]`"
        ):
            load_data("iris")
        return
    assert load_data("iris").x.shape == (150, 4)
    assert load_data("digits").shape == (1, 8, 8)


def test_the_eggholder_of_a_published_seed() -> None:
    """Seed 2022 of NumPy's legacy generator; the optimum is at (512, 404.2319)."""
    data = load_data("eggholder", seed=2022, legacy=True)
    assert data.x.shape == (100_000, 2)
    np.testing.assert_allclose(data.x[0], [-502.41677946, -0.96480169], atol=1e-8)
    assert data.y[0, 0] == pytest.approx(-543.0661291, abs=1e-7)


def test_what_is_drawn() -> None:
    line, absolute, blobs, spirals = (load_data(name) for name in ("line:50", "abs", "blobs", "spirals:100"))
    assert line.size == 50 and set(line.y) == {0, 1}
    assert (
        absolute.size == 3000 and np.array_equal(absolute.y, np.abs(absolute.x)) and np.abs(absolute.x).max() < 7**0.5
    )
    assert blobs.size == 300 and len(blobs.classes) == 3
    assert np.abs(spirals.x).max() < 1.2
    np.testing.assert_array_equal(line.x, load_data("line:50").x)
    assert not np.array_equal(line.x, load_data("line:50", seed=1).x)


def test_a_line_parts_its_classes() -> None:
    """The perceptron rule finds a line without a fault."""
    data = load_data("line:40", seed=3)
    w, signs = np.zeros(3), 2 * data.y - 1
    x = np.column_stack([data.x, np.ones(40)])
    for _ in range(20_000):
        wrong = np.flatnonzero(signs * (x @ w) <= 0)
        if not wrong.size:
            return
        w += signs[wrong[0]] * x[wrong[0]]
    pytest.fail("no line parts the classes")


def test_parting_and_scaling_see_the_training_samples_alone() -> None:
    data = Data("ten", np.arange(20.0).reshape(10, 2), np.arange(10.0)[:, None])
    parted = split(data, 0.3, seed=0)
    assert parted.size == 7 and parted.x_test is not None and len(parted.x_test) == 3
    assert sorted([*parted.x[:, 0], *parted.x_test[:, 0]]) == list(range(0, 20, 2))
    done = standardised(parted)
    np.testing.assert_allclose(done.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(done.x.std(axis=0), 1)
    assert done.x_test is not None
    np.testing.assert_allclose(done.x_test, (parted.x_test - parted.x.mean(axis=0)) / parted.x.std(axis=0))
    assert scaled(data, 0.5).x[1, 1] == 1.5 and "times 0.5" in scaled(data, 0.5).notes[0]
    both = stacked([split(data, 0.3, seed=seed) for seed in range(2)])
    assert both.x.shape == (2, 7, 2) and both.shape == (2,) and both.size == 7
    for share in (0, 1, 0.99):
        with pytest.raises(DataError):
            split(data, share, seed=0)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.data())
@settings(deadline=None, max_examples=100)
def test_strata_give_every_class_its_share(labels: list[int], data: st.DataObject) -> None:
    y = np.array(labels)
    count = data.draw(st.integers(1, len(y) - 1))
    few, many = strata(y, count, np.random.default_rng(data.draw(st.integers(0, 99))))
    assert len(few) == count and sorted([*few, *many]) == list(range(len(y)))
    for label in set(labels):
        size = labels.count(label)
        assert abs((y[few] == label).sum() - size * count / len(y)) < 1


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is the witness")
@pytest.mark.parametrize("seed", range(5))
def test_strata_of_a_seed_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.model_selection import train_test_split

    random = np.random.default_rng(seed)
    y = random.permutation([*range(7), *range(7), *random.integers(0, 7, 90)]).astype(float)
    data = Data("some", np.arange(len(y))[:, None], y, classes=(*"abcdefg",))
    parted = split(data, 0.3, seed, legacy=True, stratify=True)
    training, test = train_test_split(data.x, test_size=0.3, random_state=seed, stratify=y)
    np.testing.assert_array_equal(parted.x, training)
    np.testing.assert_array_equal(parted.x_test, test)


def test_numbers_have_no_strata() -> None:
    with pytest.raises(DataError, match="abs has numbers as its target: `stratify` is for classes"):
        split(load_data("abs:20"), 0.2, seed=0, stratify=True)


@pytest.mark.parametrize(
    "text", ["iriss", "mnist2", "csv:", "npz:", "images:", "blobs:x", "blobs:1", "abs:99999999999", ""]
)
def test_names_of_no_data(text: str) -> None:
    with pytest.raises(DataError, match=r"unknown data|expected a number of points"):
        load_data(text)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("csv:", "write `csv:FILE#TARGET`"),
        ("images", "write `images:FOLDER`"),
        ("npz", "write `npz:FILE`"),
        ("iris:3", "did you mean `iris`?"),
        ("digit", "did you mean `digits`?"),
        ("nothing at all", "data are iris, digits, wine"),
    ],
)
def test_what_to_write_instead(text: str, help: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(text)
    assert str(caught.value).startswith(f"unknown data `{text}`; {help}")


def test_what_is_no_table_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin.csv` is not in UTF-8; save the table in UTF-8"):
        load_data(f"csv:{tmp_path}/latin.csv#y")
    with pytest.raises(DataError, match=r"` is a folder, not a table"):
        load_data(f"csv:{tmp_path}#y")
