"""The house: what a folder holds, and which way imports run. Read from the files with `ast`.

A room is a folder with Python, or a loose file of a package's top level. Every import counts, also
one inside a function or under TYPE_CHECKING, and so does text that is the name of a module
("benchmarks.tasks.gpqa", "rl.reward:grade", f"benchmarks.tasks.{name}").
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rl", "benchmarks", "agentflow_graph", "tools")
"""Each imports only those to its right."""

ORDER = {
    "rl": (
        "__main__ > real > demo > studies > train serve evaluate report verify > planners > adapter"
        " > preflight > run > rollout > questions > reward > settings > prefix flow_grpo > __init__"
    ),
    "agentflow_graph": (
        "__main__ > terminal > embed server > __init__ > graph > nodes > prompts > models"
        " > replies > state > record > context > errors"
    ),
    "benchmarks": (
        "__main__ > commands > costs > runner > report > tasks > contamination > items > scoring"
        " > worlds > almanac > errors > __init__"
    ),
    "tools": (
        "__main__ > catalog"
        " > base_generator google_search python_coder web_search wikipedia_search"
        " > web > wiki > sandbox > services > base > outcomes > __init__"
    ),
}
"""The rooms of a package's top level: each imports only those to its right, and those between two
signs do not import each other. A package without an order may have any that has no circle."""

MOST_ENTRIES, MOST_LINES, MOST_SHOWN = 12, 250, 3
DOORS = {"demo.py", "real.py", "train.py", "serve.py", "evaluate.py", "report.py", "verify.py"}
"""What `python -m rl` opens: files of rl/ that do not count as entries."""
SENTENCE = re.compile(r"((?![.!?] [A-Z]).)*[^.]\.")
"""A line that ends with a full stop and holds no end of a sentence before."""


class Import(NamedTuple):
    """One import, or one name of a module."""

    importer: str
    imported: str
    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.imported}"


@cache
def modules() -> dict[str, Path]:
    """Every module of the packages by its name; a folder's name stands for its __init__.py."""
    found = {}
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def room(module: str) -> str:
    """The folder of a module; of a loose file of the top level the file itself."""
    package, *folders, name = modules()[module].relative_to(ROOT).with_suffix("").parts
    return ".".join((package, *folders)) if folders else f"{package}.{name}"


def top(module: str) -> str:
    """The room of a module as the order of its package calls it."""
    return room(module).split(".")[1]


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one of our modules by another."""
    found = [
        Import(name, known, path, line)
        for name, path in modules().items()
        for line, imported in _imported_names(path)
        if (known := _module_of(imported)) not in ("", name)
    ]
    return tuple(dict.fromkeys(found))


def _imported_names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of all that a file imports, and of each text that names a module of ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.ImportFrom():
                raise AssertionError(f"{path}:{node.lineno}: a relative import; write it in full")
            case ast.Constant(value=str(text)) if id(node) not in prose:
                module = text.partition(":")[0].removesuffix(".")
                if "." in module and module in modules():
                    yield node.lineno, module


def _module_of(name: str) -> str:
    """The module of ours that a dotted name begins with; empty if there is none."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name


def circles(arrows: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """The groups of nodes of which each reaches every other."""
    reached = {start: _reached(start, arrows) for start in arrows}
    groups = []
    for start, ends in reached.items():
        group = {end for end in ends if start in reached.get(end, ())}
        if group and group not in groups:
            groups.append(group)
    return groups


def _reached(start: str, arrows: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(arrows[start])
    while waiting:
        if (node := waiting.pop()) not in found:
            found.add(node)
            waiting += arrows.get(node, ())
    return found


def circle_message(group: set[str], between: Mapping[tuple[str, str], list[Import]]) -> str:
    """A circle, the arrows with the fewest imports first: those are easiest to cut."""
    arrows = [pair for pair in between if set(pair) <= group]
    lines = [f"circle of {', '.join(sorted(group))}"]
    for pair in sorted(arrows, key=lambda pair: (len(between[pair]), pair)):
        found = between[pair]
        lines += [f"  {pair[0]} -> {pair[1]}: {len(found)}"]
        lines += [f"    {each}" for each in found[:MOST_SHOWN]]
    return "\n".join(lines)


def folders(package: str) -> list[Path]:
    inside = (path for path in (ROOT / package).rglob("*") if path.is_dir())
    return [ROOT / package, *(path for path in inside if path.name != "__pycache__")]


def rooms_in(package: str) -> set[str]:
    return {top(name) for name in modules() if name.split(".")[0] == package}


def levels(package: str) -> dict[str, int]:
    """By room its level in the package's order, the highest first."""
    ranks = enumerate(ORDER[package].split(">"))
    return {name: number for number, names in ranks for name in names.split()}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_shows_at_most_a_dozen_entries(package: str) -> None:
    crowded = {}
    for folder in folders(package):
        hidden = {"py.typed"} | (DOORS if folder == ROOT / "rl" else set())
        names = {path.name for path in folder.iterdir()} - hidden
        shown = sorted(name for name in names if not name.startswith((".", "__")))
        if len(shown) > MOST_ENTRIES:
            crowded[str(folder.relative_to(ROOT))] = f"{len(shown)}: {' '.join(shown)}"
    assert crowded == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_says_in_one_sentence_what_it_is_for(package: str) -> None:
    wrong = {}
    for start in sorted({path.parent / "__init__.py" for path in (ROOT / package).rglob("*.py")}):
        tree = ast.parse(start.read_text(encoding="utf-8") if start.is_file() else "")
        first, *rest = (ast.get_docstring(tree) or "").split("\n")
        if not SENTENCE.fullmatch(first) or rest[:1] not in ([], [""]):
            wrong[str(start.relative_to(ROOT))] = first or "no docstring"
    assert wrong == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_long(package: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for name, path in modules().items()
        if name.split(".")[0] == package
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_packages_import_in_one_direction() -> None:
    rank = {package: number for number, package in enumerate(PACKAGES)}
    upward = [
        str(each)
        for each in imports()
        if rank[each.importer.split(".")[0]] > rank[each.imported.split(".")[0]]
    ]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("place", [room, str], ids=["rooms", "files"])
@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_in_no_circle(package: str, place: Callable[[str], str]) -> None:
    between: dict[tuple[str, str], list[Import]] = defaultdict(list)
    arrows: dict[str, set[str]] = defaultdict(set)
    for each in imports():
        start, end = place(each.importer), place(each.imported)
        if start != end and {name.split(".")[0] for name in (start, end)} == {package}:
            between[start, end].append(each)
            arrows[start].add(end)
    found = [circle_message(group, between) for group in circles(arrows)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_only_what_their_order_allows(package: str) -> None:
    level = levels(package)
    assert set(level) == rooms_in(package), "the order names other rooms than there are"
    upward = [
        str(each)
        for each in imports()
        if {each.importer.split(".")[0], each.imported.split(".")[0]} == {package}
        and top(each.importer) != top(each.imported)
        and level[top(each.importer)] >= level[top(each.imported)]
    ]
    assert not upward, "\n".join(upward)


def test_a_circle_is_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"d"}}
    assert circles(arrows) == [{"b", "c"}, {"d"}]


def commands() -> Iterator[tuple[str, ast.FunctionDef]]:
    """The `main` of each file that a person starts."""
    for name, path in modules().items():
        # The first runs where nobody's eyes are; the second without the agent, on random numbers.
        if room(name) in ("tools.sandbox.inside", "rl.prefix"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "main":
                yield name, node


def test_every_command_guards_what_it_prints() -> None:
    found = dict(commands())
    assert {"agentflow_graph.__main__", "benchmarks.__main__", "rl.train", "tools.__main__"} <= {
        *found
    }
    unguarded = []
    for name, node in found.items():
        first = node.body[1 if ast.get_docstring(node) is not None else 0]
        if ast.unparse(first) != "guard_output()":
            unguarded.append(name)
    assert unguarded == []
