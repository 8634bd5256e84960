"""Every command in README and docs names something that exists and takes the flags shown."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rl.__main__ import VERBS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("agentflow_graph", "tools", "benchmarks", "rl")
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
START = re.compile(r"(\w+=\S+ )*(\.venv/bin/)?(make|python|agentflow[a-z-]*) ")
PLACEHOLDERS = {"N": "1", "K": "1", "USD": "1"}


class Command(NamedTuple):
    """A command as a page shows it."""

    page: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {shlex.join(self.words)}"


class Parsed(Exception):
    """The flags fit; the command itself is not to run."""


def commands(page: Path) -> Iterator[Command]:
    """Commands of indented and fenced code, and of code inside a line."""
    text = page.read_text().replace("\\\n", "  ")  # as long as before, so that lines still count
    for match in re.finditer(r"^    (.+)$|`([^`\n]+)`", text, re.MULTILINE):
        shown = (match[1] or match[2]).strip() + " "
        if START.match(shown):
            words = shlex.split(shown.replace("[", "").replace("]", ""), comments=True)
            line = text.count("\n", 0, match.start()) + 1
            yield Command(str(page.relative_to(ROOT)), line, tuple(words))


ALL = [command for page in PAGES for command in commands(page)]


def target(command: Command) -> tuple[str, list[str]]:
    """What a command starts: `make`, a file, or a module; and the arguments it is given."""
    words = list(command.words)
    while "=" in words[0]:
        del words[0]  # of the environment
    name, *rest = words
    name = name.removeprefix(".venv/bin/")
    if name in SCRIPTS:
        return SCRIPTS[name].partition(":")[0], rest
    if name != "python":
        return name, rest
    if rest[0] != "-m":
        return rest[0], rest[1:]
    rest[1] = rest[1].removeprefix("agentflow_parts.")  # as a wheel calls it
    if rest[1] == "rl" and len(rest) > 2:
        assert rest[2] in VERBS, f"{command}: no such verb"
        return VERBS[rest[2]][0], rest[3:]
    return rest[1], rest[2:]


def test_the_pages_show_commands() -> None:
    assert len(ALL) > 60
    shown = {command.words[0] for command in ALL}
    assert shown >= {"make", "python", "agentflow", "agentflow-train", "agentflow-bench"}


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("command", ALL, ids=str)
def test_a_command_exists_and_takes_its_flags(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, arguments = target(command)
    if name == "make":
        verbs = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert [word for word in arguments if "=" not in word and word not in verbs] == []
    elif name.endswith(".py"):
        assert (ROOT / name).exists()
    elif name.split(".")[0] not in PACKAGES:
        assert find_spec(name.split(".")[0])
    else:
        found = find_spec(name)
        assert found, f"no module {name}"
        assert not found.submodule_search_locations or find_spec(f"{name}.__main__")
        if arguments and name != "rl":
            _parse(name, arguments, monkeypatch)


def _parse(module: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command as far as its arguments are parsed."""
    inside = False
    for name in ("parse_args", "parse_intermixed_args", "parse_known_args"):
        stock = getattr(argparse.ArgumentParser, name)

        def parse(*given: Any, stock: Callable[..., Any] = stock, **more: Any) -> Any:
            nonlocal inside
            if inside:  # a parser asks itself, and those of its verbs
                return stock(*given, **more)
            inside = True
            stock(*given, **more)
            raise Parsed

        monkeypatch.setattr(argparse.ArgumentParser, name, parse)
    words = [PLACEHOLDERS.get(word, word) for word in arguments]
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(Parsed):
        runpy.run_module(module, run_name="__main__")
