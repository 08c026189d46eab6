"""The house keeps its order: who may import whom, what is heavy, and what never happens to untrusted input."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import backcalc

PACKAGE = Path(backcalc.__file__).parent

# From the ground up. A room may import the rooms listed with it, each of which stands above it in this table.
MAY_IMPORT: dict[str, set[str]] = {
    "formula": set(),
    "layers": {"formula"},
    "net": {"formula", "layers"},
    "derive": {"formula", "layers", "net"},
    "count": {"formula", "layers", "net"},
    "numeric": {"formula", "layers", "net"},
    "verify": {"formula", "layers", "net", "derive", "numeric"},
    "transform": {"formula", "layers", "net", "derive"},
    "readers": {"formula", "layers", "net"},
    "check": {"formula", "layers", "net", "derive", "count", "verify", "transform"},
    "render": {"formula", "layers", "net", "derive", "count", "numeric", "verify", "transform", "readers", "check"},
    "cli": {
        "formula",
        "layers",
        "net",
        "derive",
        "count",
        "numeric",
        "verify",
        "transform",
        "readers",
        "check",
        "render",
    },
}

# What costs start-up time is never imported in some rooms, and in others inside functions only.
NUMERICS = {"numpy", "sympy", "mpmath"}
NEVER = {
    "": NUMERICS,
    "formula": NUMERICS,
    "layers": NUMERICS,
    "net": NUMERICS - {"numpy"},  # NumPy reads .npz
    "count": NUMERICS,
    "readers": NUMERICS,
    "cli": NUMERICS,
}
NUMERIC = ("derive", "numeric", "verify")
INSIDE_FUNCTIONS = {room: NUMERICS | {"rich"} for room in ("", *MAY_IMPORT) if room not in NUMERIC}
INSIDE_FUNCTIONS |= {room: INSIDE_FUNCTIONS[room] | {"pydantic", "ruamel"} for room in ("", "cli")}

# Nothing from a file or an argument is ever run, in any of the ways Python and SymPy offer.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_NAMES = {"sympify", "parse_expr", "parse_latex", "lambdify", "literal_eval", "nsimplify", "unsafe_load"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "code", "codeop"}
FORBIDDEN_MODULES |= {"builtins", "runpy", "pty", "numexpr"}
FORBIDDEN_OF_OS = {"system", "popen"}
FORBIDDEN_COMMENTS = ("type: ignore", "noqa", "TODO", "FIXME", "XXX", "pragma: no cover")

FILES = sorted(PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    """The folder of the package a file is in; empty for the front door, `backcalc/*.py`."""
    parts = file.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """The full names of what a tree imports, relative imports resolved against `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_at_start(tree: ast.Module, package: str) -> Iterator[str]:
    """Those imports that run when the module is imported: in no function and not for the type checker alone."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node, package)
        pending.extend(ast.iter_child_nodes(node))


def package_of(file: Path) -> str:
    return ".".join(["backcalc", *file.relative_to(PACKAGE).parts[:-1]])


def import_faults(tree: ast.Module, where: str, package: str) -> list[str]:
    """What a file in room `where` imports from rooms that it must not know."""
    known = {where, *MAY_IMPORT[where]}
    faults = []
    for name in imports(tree, package):
        parts = name.split(".")
        if parts[0] == "backcalc" and len(parts) > 1 and parts[1] in MAY_IMPORT and parts[1] not in known:
            faults.append(f"{where} imports {name}")
    return faults


def start_faults(tree: ast.Module, where: str, package: str) -> list[str]:
    """What a file in room `where` imports too early, or must not import at all."""
    early, never = INSIDE_FUNCTIONS.get(where, set()), NEVER.get(where, set())
    faults = [f"imports {name} at start" for name in imports_at_start(tree, package) if name.split(".")[0] in early]
    return faults + [f"imports {name}" for name in imports(tree, package) if name.split(".")[0] in never]


def safety_faults(tree: ast.Module, package: str) -> list[str]:
    """Every way in which text could be run as code, or bytes be turned into objects."""
    faults = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                faults.append(f"line {node.lineno}: {name}()")
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in FORBIDDEN_NAMES:
                faults.append(f"line {node.lineno}: {name}")
            case ast.Call(keywords=keywords) if any(
                keyword.arg == "shell" and ast.unparse(keyword.value) != "False" for keyword in keywords
            ):
                faults.append(f"line {node.lineno}: shell=")
            case ast.Call(keywords=keywords) if any(
                keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False" for keyword in keywords
            ):
                faults.append(f"line {node.lineno}: allow_pickle=")
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in FORBIDDEN_OF_OS or name[:4] == "exec":
                faults.append(f"line {node.lineno}: os.{name}")
            case _:
                pass
    return faults + [f"imports {name}" for name in imports(tree, package) if name.split(".")[0] in FORBIDDEN_MODULES]


def test_table_points_down() -> None:
    above: set[str] = set()
    for name, allowed in MAY_IMPORT.items():
        assert allowed <= above, f"{name} may import only what stands above it in the table"
        above.add(name)


def test_every_room_is_in_the_table() -> None:
    assert {room(file) for file in FILES} - {""} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_file_keeps_the_order(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    package, where = package_of(file), room(file)
    faults = start_faults(tree, where, package) + safety_faults(tree, package)
    if where:
        faults += import_faults(tree, where, package)
    assert not faults


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_file_silences_nothing(file: Path) -> None:
    tokens = tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    assert not [comment for comment in comments for word in FORBIDDEN_COMMENTS if word in comment]


@pytest.mark.parametrize(
    ("where", "source", "fault"),
    [
        ("formula", "from backcalc.net import load_network", "formula imports backcalc.net.load_network"),
        ("formula", "from ..net import load", "formula imports backcalc.net.load"),
        ("formula", "from .. import derive", "formula imports backcalc.derive"),
        ("formula", "def f():\n    import backcalc.cli.common", "formula imports backcalc.cli.common"),
        ("count", "from backcalc.derive.steps import Step", "count imports backcalc.derive.steps.Step"),
    ],
)
def test_a_wrong_arrow_is_found(where: str, source: str, fault: str) -> None:
    assert import_faults(ast.parse(source), where, f"backcalc.{where}") == [fault]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("eval('1')", "line 1: eval()"),
        ("x = sympy.sympify(text)", "line 1: sympify"),
        ("from sympy.parsing.sympy_parser import parse_expr as p", "line 1: parse_expr"),
        ("import pickle", "imports pickle"),
        ("from joblib import load", "imports joblib.load"),
        ("subprocess.run(command, shell=True)", "line 1: shell="),
        ("np.load(path, allow_pickle=True)", "line 1: allow_pickle="),
        ("os.system(text)", "line 1: os.system"),
        ("os.execv(path, [])", "line 1: os.execv"),
        ("from builtins import eval as run", "imports builtins.eval"),
    ],
)
def test_running_input_is_found(source: str, fault: str) -> None:
    assert safety_faults(ast.parse(source), "backcalc.net") == [fault]


@pytest.mark.parametrize(
    ("where", "source", "found"),
    [
        ("render", "import numpy as np", True),
        ("net", "def f():\n    import numpy as np", False),
        ("net", "if TYPE_CHECKING:\n    import numpy as np", False),
        ("derive", "import sympy", False),
        ("count", "def f():\n    import numpy as np", True),
        ("cli", "from ruamel.yaml import YAML", True),
        ("net", "from ruamel.yaml import YAML", False),
        ("render", "class A:\n    import rich.table", True),
    ],
)
def test_an_early_import_is_found(where: str, source: str, found: bool) -> None:
    assert bool(start_faults(ast.parse(source), where, f"backcalc.{where}")) is found
