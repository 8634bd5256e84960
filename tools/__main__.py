"""Try tools from the shell.

    python -m tools check [NAME ...] [--live]       what is ready here, and what to do if not
    python -m tools run python_coder '{"code": "4738 * 37"}' [--backend landlock]

`run` prints the typed result as one line of JSON: tool, status, text, seconds, and data if the
tool gives some. NAME is as in `tools.catalog.catalog`: a tool of ours, an import path, an entry
point, or mcp:URL#TOOL.

Exit codes: 0 the result is ok, or every chosen backend of the NAMEs is ready (without NAMEs: the
check was made); 1 the result is error, timeout or unavailable, or something named is not ready;
2 the command line, a setting or an argument of the tool is wrong; 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from pydantic import ValidationError

from tools.catalog.catalog import NAMES, SETS, load
from tools.catalog.check import findings
from tools.catalog.settings import Settings
from tools.outcomes.files import json_of
from tools.outcomes.interrupts import ended
from tools.outcomes.outside import shown
from tools.outcomes.result import shorten
from tools.outcomes.terminal import guard_output

LONGEST = 20_000
"""Characters of a result of anybody's tool."""
PATIENCE = 5.0
"""Seconds after Ctrl-C in which a tool must have cleaned up."""
WIDTH = 32
"""Of the column with tool and backend."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, check or run, print; returns the exit code."""
    guard_output()
    args = _parser().parse_args(arguments)
    return ended(lambda: _done(args), patience=PATIENCE)


def _done(args: argparse.Namespace) -> int:
    try:
        if args.command == "check":
            return asyncio.run(_check(args))
        return _run(args)
    except ValueError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", default="", help="settings of the tools (TOML); AGENTFLOW_TOOLS")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="say what is ready and what is not")
    check.add_argument("names", nargs="*", metavar="NAME", help=f"default: {', '.join(NAMES)}")
    check.add_argument("--live", action="store_true", help="make one real call of each")
    run = commands.add_parser("run", help="make one call")
    run.add_argument("name", metavar="NAME")
    run.add_argument("arguments", metavar="JSON", help='the arguments, like {"query": "..."}')
    run.add_argument("--backend", default="", help="instead of the one that the settings name")
    return parser


async def _check(args: argparse.Namespace) -> int:
    settings = Settings(file=args.file)
    names = [one for name in args.names for one in SETS.get(name, (name,))]
    failed = False
    async for finding in findings(settings, names or NAMES, args.live):
        if not names and finding.state == "failed":
            finding = replace(finding, state="warning")  # nobody said that it is needed
        print(finding.render(WIDTH), flush=True)
        failed |= finding.state == "failed"
    print("* the backend in use")
    return 1 if failed else 0


def _run(args: argparse.Namespace) -> int:
    tool = _tool(args)
    arguments = _arguments(args.arguments)
    try:
        result = asyncio.run(_result(tool, arguments))
    except ValidationError as fault:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors())
        known = ", ".join(tool.args)
        raise ValueError(f"the arguments do not fit {tool.name} ({wrong}): give {known}") from None
    print(json.dumps({"tool": tool.name, **result}))
    return 0 if result["status"] == "ok" else 1


def _tool(args: argparse.Namespace) -> BaseTool:
    settings = {args.name: {"backend": args.backend}} if args.backend else None
    found = load([args.name], settings=settings, file=args.file)
    if len(found) != 1:
        names = ", ".join(tool.name for tool in found)
        raise ValueError(f"{args.name!r} is {len(found)} tools ({names}): name one, mcp:...#TOOL")
    return found[0]


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json_of(text)
    except ValueError as fault:
        raise ValueError(f"the arguments {text[:80]!r} are no JSON ({fault})") from None
    if not isinstance(arguments, dict):
        raise ValueError(f"the arguments {text[:80]!r} are no JSON object: write {{...}}")
    return arguments


async def _result(tool: BaseTool, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"type": "tool_call", "id": "run", "name": tool.name, "args": arguments}
    try:
        message: ToolMessage = await tool.ainvoke(call)
    except ValidationError:
        raise
    except Exception as fault:  # anybody's tool may raise anything
        return {"status": "error", "text": shown(f"{type(fault).__name__}: {fault}")}
    match message.artifact:
        case {"status": str(), "text": str()}:
            return dict(message.artifact)
    return {"status": "ok", "text": shorten(str(message.text), LONGEST)}


if __name__ == "__main__":
    sys.exit(main())
