"""Exported PyTorch programs, .pt2: a zip archive with the graph as JSON. Arrays, pickled or not, are never opened.

What `torch.export.save` writes, schema version 8: operators of ATen with named arguments, and the shape of every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from backcalc.layers import Shape
from backcalc.readers.bounded import Archive, opened, parsed_json, refuse
from backcalc.readers.draft import Draft
from backcalc.readers.unknowns import add_unknown
from backcalc.readers.values import Constant, Graph, Misfit, Operand, Value, Weight

MOST_NODES = 20_000
MOST_AXES = 16

_LIKE = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "arange", "sym_size")


@dataclass(frozen=True, slots=True)
class Call:
    """A node: the operator, its arguments by name, the names and axes of what it makes, and the module it is in."""

    operator: str
    arguments: Mapping[str, Any]
    makes: tuple[str, ...]
    dims: tuple[Shape, ...]
    module: str
    kind: str

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or what it is where none is given."""
        value = self.arguments.get(name)
        return default if value is None else value

    def value(self, name: str = "self") -> Value:
        """An argument that must be computed. Raises Misfit."""
        found = self.arguments.get(name)
        if not isinstance(found, Value):
            raise Misfit("of a fixed array")
        return found

    def weight(self, name: str) -> Weight | None:
        """An argument that must be trained, or not there. Raises Misfit."""
        found = self.arguments.get(name)
        if found is None or (isinstance(found, Weight) and not found.of and found.rows is None):
            return found
        if isinstance(found, Constant) and len(found.dims) == 1:
            return Weight(f"constant {id(found)}", found.dims, found.dims)
        raise Misfit("with weights that are computed")

    @property
    def word(self) -> str:
        """What to call the layer: by the module that it is, else by the module that it is in."""
        if self.module and self.kind.lower().endswith(self.operator.strip("_").replace("_", "")):
            return self.module
        own = [each.name for each in self.arguments.values() if isinstance(each, Weight) and "." in each.name]
        if own:
            return own[0].rpartition(".")[0]
        return f"{self.module}.{self.operator}" if self.module else self.makes[0]


def read_exported(path: Path) -> Draft:
    """The network in a .pt2 file. Raises InputError."""
    with opened(path) as file:
        return exported_draft(file, str(path), path.stem)


def exported_draft(file: IO[bytes], name: str, title: str) -> Draft:
    """The network in what `torch.export.save` has written to a file or into memory. Raises InputError."""
    archive = Archive(file, name)
    member = archive.find("models/model.json") or archive.find("serialized_exported_program.json")
    if member is None:
        help = "write it with `torch.export.save`"
        refuse(archive.file, "the archive has no exported program, `models/model.json`", help)
    document = parsed_json(archive.read(member), f"{archive.file}:{member}")
    shared: dict[str, str] = {}
    config = archive.find("data/weights/model_weights_config.json")
    if config is not None:
        shared = _shared(parsed_json(archive.read(config), f"{archive.file}:{config}"))
    draft = Draft(name, title)
    version = document.get("torch_version") if isinstance(document, dict) else None
    draft.note(f"Converted from {Path(name).name}: exported by PyTorch {version or 'of unknown version'}.")
    try:
        Walk(draft, document["graph_module"], shared).run()
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if type(error).__module__.startswith("backcalc"):
            raise
        refuse(archive.file, f"the exported program is not as PyTorch writes it: {type(error).__name__} {error}"[:300])
    return draft


def _shared(config: Any) -> dict[str, str]:
    """The names of arrays, each with the first name that the same array has."""
    entries = config.get("config") if isinstance(config, dict) else None
    first: dict[str, str] = {}
    found = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("path_name"), str):
            found[name] = first.setdefault(entry["path_name"], name)
    return found


@dataclass
class Walk:
    """The values so far, by the names of the program."""

    draft: Draft
    module: Mapping[str, Any]
    shared: Mapping[str, str]
    values: dict[str, Operand] = field(default_factory=dict)
    uses: set[str] = field(default_factory=set)

    def run(self) -> None:
        from backcalc.readers.aten import OPERATORS

        program = self.module["graph"]
        self.dims = {name: self._sizes(tensor["sizes"]) for name, tensor in program["tensor_values"].items()}
        self.sizes = program.get("sym_int_values") or {}
        self._inputs(self.module["signature"]["input_specs"])
        if len(program["nodes"]) > MOST_NODES:
            refuse(self.draft.file, f"the program has more than {MOST_NODES} operators")
        outputs = [name for spec in program["outputs"] for name in _names(spec)]
        self.uses = set(outputs)
        needed = []
        for node in reversed(program["nodes"]):
            if self.uses.intersection(name for spec in node["outputs"] for name in _names(spec)):
                self.uses.update(_read(node))
                needed.append(node)
        for node in reversed(needed):
            self._node(node, OPERATORS)
        unused = [name for name, value in self.values.items() if isinstance(value, Weight) and name not in self.uses]
        if unused:
            names = ", ".join(str(getattr(self.values[name], "name", name)) for name in unused[:8])
            self.draft.note(f"Not read by the program, and not counted: {names}{' …' if len(unused) > 8 else ''}.")
        found = [value for name in outputs if isinstance(value := self.values.get(name), Value)]
        if not found:
            refuse(self.draft.file, "nothing that depends on the input is put out")
        ready = list(dict.fromkeys(self.graph.read(value) for value in found))
        if len(ready) == 1:
            self.draft.output = ready[0]
        else:
            self.draft.note(f"The program has {len(ready)} outputs: {', '.join(ready[:8])}.")

    def _inputs(self, specs: Sequence[Mapping[str, Any]]) -> None:
        given: list[str] = []
        for spec in specs:
            ((kind, entry),) = spec.items()
            if kind == "user_input":
                given += _names(entry["arg"])
                continue
            name = entry["arg"].get("name")
            if name is None:
                continue
            if kind == "parameter":
                own = str(entry["parameter_name"])
                self.values[name] = Weight(self.shared.get(own, own), self.dims[name], self.dims[name])
            else:
                self.values[name] = Constant(self.dims[name])
        if not given:
            refuse(self.draft.file, "the program has no input")
        first = self.dims[given[0]]
        self.graph = Graph(self.draft, first[0] if first else 1)
        for name in given:
            dims = self.dims[name]
            if not dims:
                refuse(self.draft.file, f"the input `{name[:60]}` has no axes, not even one for its batch")
            here = dims[0] == self.graph.batch
            shape = dims[1:] if here and len(dims) > 1 else (1,) if here else dims
            self.values[name] = Value(self.draft.input(name, shape), dims, 0, folded=not here)

    def _node(self, node: Mapping[str, Any], operators: Mapping[str, Any]) -> None:
        makes = tuple(name for spec in node["outputs"] for name in _names(spec))
        if not makes:
            return
        target = str(node["target"]).split(".")
        operator = target[3] if target[:3] == ["torch", "ops", "aten"] and len(target) > 3 else ".".join(target[-3:])
        stack = str(node.get("metadata", {}).get("nn_module_stack", "")).split(";")[-1].split(",")
        module, kind = stack[-2:] if len(stack) >= 3 else ("", "")
        arguments = {str(each["name"]): self._argument(each["arg"]) for each in node["inputs"]}
        dims = tuple(self.dims.get(name, ()) for name in makes)
        call = Call(operator, arguments, makes, dims, module, kind.rpartition(".")[2])
        for name in makes:
            if name in self.values:
                refuse(self.draft.file, f"the value `{name[:80]}` is made twice")
        given = _operands(arguments.values())
        fixed = not any(isinstance(each, Value) for each in given)
        made: Any
        if operator in _LIKE or (fixed and not any(isinstance(each, Weight) for each in given)):
            made = tuple(Constant(each, _numbers(call, each)) for each in dims)
        else:
            try:
                if operator.rstrip("_") not in operators:
                    raise Misfit
                made = operators[operator.rstrip("_")](self, call)
            except Misfit as misfit:
                made = tuple(self._unknown(call, given, f"{operator} {misfit}".strip()))
        for name, value in zip(makes, made if isinstance(made, tuple) else (made,), strict=False):
            if isinstance(value, Value) and value.dims != self.dims.get(name):
                message = f"`{name[:80]}` ({operator[:40]}) is {list(self.dims.get(name, ()))} in the file"
                refuse(self.draft.file, f"{message}, but should be {list(value.dims)}")
            self.values[name] = value

    def _unknown(self, call: Call, given: Sequence[Operand], operator: str) -> list[Operand]:
        if not any(isinstance(each, Value) for each in given):
            read = tuple(dict.fromkeys(one for each in given if isinstance(each, Weight) for one in each.arrays))
            return [Weight(name, each, each, of=read) for name, each in zip(call.makes, call.dims, strict=True)]
        wanted = [(name, each) for name, each in zip(call.makes, call.dims, strict=True) if name in self.uses]
        words = [call.word if len(wanted) == 1 else name for name, _ in wanted]
        found = add_unknown(self.graph, words, operator, given, [each for _, each in wanted])
        made = dict(zip((name for name, _ in wanted), found, strict=True))
        return [made.get(name) for name in call.makes]

    def _argument(self, spec: Mapping[str, Any]) -> Any:
        """An argument as an operand, a number, a list, a text, or None."""
        ((kind, value),) = spec.items()
        match kind:
            case "as_tensor":
                return self._given(value["name"])
            case "as_tensors":
                return [self._given(each["name"]) for each in value]
            case "as_optional_tensors":
                return [self._argument(each) for each in value]
            case "as_none":
                return None
            case "as_sym_int":
                return self._size(value)
            case "as_sym_ints":
                return [self._size(each) for each in value]
            case "as_float":
                return Fraction(repr(float(value))) if abs(float(value)) < 1e300 else None
            case _:
                return value

    def _given(self, name: str) -> Operand:
        if name not in self.values:
            refuse(self.draft.file, f"`{str(name)[:80]}` is read before it is made, or never made")
        return self.values[name]

    def _sizes(self, sizes: Sequence[Mapping[str, Any]]) -> Shape:
        found = tuple(self._size(size) for size in sizes)
        if len(found) > MOST_AXES or any(size < 0 for size in found):
            refuse(self.draft.file, f"an array has the axes {list(found)[:MOST_AXES]}")
        return found

    def _size(self, size: Any) -> int:
        """A size; of one that stays open, the one that the program was exported with."""
        if isinstance(size, int):
            return size
        if "as_int" in size:
            return int(size["as_int"])
        if "as_name" in size:
            return self._size(self.sizes[size["as_name"]])
        return int(size["as_expr"]["hint"]["as_int"])


def _names(spec: Mapping[str, Any]) -> list[str]:
    """The names of the arrays in an input or an output."""
    ((kind, value),) = spec.items()
    if kind == "as_tensor":
        return [value["name"]]
    if kind in ("as_tensors", "as_optional_tensors"):
        return [name for each in value for name in ([each["name"]] if "name" in each else _names(each))]
    return []


def _read(node: Mapping[str, Any]) -> list[str]:
    return [name for each in node["inputs"] for name in _names(each["arg"])]


def _operands(values: Any) -> list[Operand]:
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [each for each in flat if isinstance(each, Value | Weight | Constant)]


def _numbers(call: Call, dims: Shape) -> tuple[Fraction, ...] | None:
    """The one number that fills a fixed array, where it is known."""
    words = {"zeros": 0, "ones": 1, "zeros_like": 0, "ones_like": 1, "new_zeros": 0, "new_ones": 1}
    value: Any = words.get(call.operator)
    if call.operator in ("full", "full_like", "new_full", "scalar_tensor"):
        value = call.get("fill_value", call.get("s"))
    same = {
        "clone",
        "expand",
        "to",
        "unsqueeze",
        "view",
        "reshape",
        "contiguous",
        "_to_copy",
        "detach",
        "lift_fresh_copy",
    }
    if call.operator in same:
        source = call.arguments.get("self")
        value = source.scalar if isinstance(source, Constant) else None
    return (Fraction(value),) if isinstance(value, int | Fraction) else None
