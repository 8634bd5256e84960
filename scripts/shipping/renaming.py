"""Moves our common names below one that is nobody else's, and puts right what code says of them.

    move(tree)      # tools/ is agentflow_parts/tools/, and `from tools.x` says so

These name a module of ours: an import, a text that is a module's name ("rl.train", "rl.train:main",
f"tools.outcomes.{name}"), a command for a person ("python -m rl"), and in pyproject.toml the
commands and the data files. Nothing else is touched, words such as "tools" in a record neither.
What is not understood breaks the build off.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MOVED = ("tools", "benchmarks", "rl")
PARENT = "agentflow_parts"
PREFIXES = tuple(f"{name}." for name in MOVED)
"""What a formatted text may not begin with: what follows is not known."""
SENTENCE = '"""The packages tools, benchmarks and rl, below a name that no other project has."""\n'

_NAMES = "|".join(MOVED)
_FROM = re.compile(rf"(\bfrom\s+)({_NAMES})(?=[.\s])")
_IMPORT = re.compile(rf"\bimport\s+({_NAMES})(?=\s*(?:#|$))")
_CODE = re.compile(rf"\bfrom ({_NAMES})[.\w]* import\b")
_COMMAND = re.compile(rf"(python -m )({_NAMES})\b(?!/)")
_WORD = re.compile(rf"({_NAMES})((?:\.\w+)+(?::\w+)?|(?:\.\w+)*\.)")


class NotUnderstood(Exception):
    """A line names a module of ours in a way that cannot be put right."""


def move(tree: Path) -> None:
    """Move the packages of `tree`, and rewrite it.

    Raises:
        NotUnderstood: naming file and line.
    """
    modules = set(_modules(tree))
    (tree / PARENT).mkdir()
    (tree / PARENT / "__init__.py").write_text(SENTENCE)
    for package in MOVED:
        (tree / package).rename(tree / PARENT / package)
    for path in sorted(tree.rglob("*.py")):
        path.write_text(rewritten(path.read_text("utf-8"), modules, str(path)), "utf-8")
    project = tree / "pyproject.toml"
    project.write_text(_project(project.read_text("utf-8"), modules), "utf-8")


def _modules(tree: Path) -> Iterator[str]:
    """Every module of the moved packages, and every folder."""
    for package in MOVED:
        for path in (tree / package).rglob("*.py"):
            name = ".".join(path.relative_to(tree).with_suffix("").parts)
            yield name.removesuffix(".__init__")


def rewritten(source: str, modules: set[str], where: str = "text") -> str:
    """`source` with the new names; `modules` are all old ones.

    Raises:
        NotUnderstood: `import tools.x`, which would bind the parent's name.
    """
    lines = source.splitlines(keepends=True)
    texts = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if _ours(module):
                _change(lines, node.lineno, _FROM, rf"\1{PARENT}.\2", where)
            case ast.Import(names=[ast.alias(name=name, asname=None)]) if name in MOVED:
                _change(lines, node.lineno, _IMPORT, rf"from {PARENT} import \1", where)
            case ast.Import(names=names) if any(_ours(each.name) for each in names):
                raise NotUnderstood(f"{where}:{node.lineno}: write `from {names[0].name} import`")
            case ast.Constant(value=str()):
                texts.append(node)
    for node in texts:
        _change_text(lines, node, modules, where)
    return _COMMAND.sub(rf"\1{PARENT}.\2", "".join(lines))


def _ours(module: str) -> bool:
    return module.partition(".")[0] in MOVED


def _change(lines: list[str], number: int, form: re.Pattern[str], new: str, where: str) -> None:
    lines[number - 1], count = form.subn(new, lines[number - 1], count=1)
    if not count:
        raise NotUnderstood(f"{where}:{number}: {lines[number - 1].strip()}")


def _change_text(lines: list[str], node: ast.Constant, modules: set[str], where: str) -> None:
    """A text that is a module's name as a whole; code in a text is refused."""
    text = str(node.value)
    if "\n" not in text and _CODE.search(text):
        raise NotUnderstood(f"{where}:{node.lineno}: code that imports in a text: {text}")
    if text in PREFIXES:
        raise NotUnderstood(f"{where}:{node.lineno}: name the room too: {text!r} could be anything")
    if not (_WORD.fullmatch(text) and _known(text, modules)):
        return
    for number in range(node.lineno - 1, node.end_lineno or node.lineno):
        quoted = re.compile(rf"(?<![\w.]){re.escape(text)}")
        lines[number], count = quoted.subn(f"{PARENT}.{text}", lines[number], count=1)
        if count:
            return
    raise NotUnderstood(f"{where}:{node.lineno}: {text!r} is not there in one piece")


def _known(text: str, modules: set[str]) -> bool:
    """Whether a dotted name begins with a module of ours below the package itself."""
    name = text.partition(":")[0].rstrip(".")
    while "." in name and name not in modules:
        name = name.rpartition(".")[0]
    return "." in name


def _project(text: str, modules: set[str]) -> str:
    """pyproject.toml: commands, and whose the data files are."""
    for form, new, wanted in (
        (rf'^(agentflow-\w+ = ")({_NAMES})(?=[.:])', rf"\1{PARENT}.\2", 2),
        (rf"^({_NAMES})(?= = \[\"py\.typed\")", rf'"{PARENT}.\1"', len(MOVED)),
        (r"^include = .*$", f'include = ["agentflow_graph*", "{PARENT}*"]', 1),
    ):
        text, count = re.subn(form, new, text, flags=re.MULTILINE)
        if count != wanted:
            raise NotUnderstood(f"pyproject.toml: {form} stands there {count} times, not {wanted}")
    return text
