"""Say what works here: `agentflow doctor [--model M] [--set NAME=VALUE] [--live]`.

Python, installed parts, keys (whether, never which), models and their servers, tools and their
sandbox, disk and ports; each line that is not ok ends with what to do. Without --live nothing is
asked but which models a server of yours has.

Exit codes: 0 what the settings name works, 1 some of it does not, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from agentflow_graph.context import Context, listed
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.nodes.parts.toolset import ours
from agentflow_graph.terminal.machine import machine
from agentflow_graph.terminal.models import models
from agentflow_graph.terminal.settings import add_settings, context_of
from agentflow_graph.terminal.verbs import program
from tools.outcomes.finding import Finding, failure, warning

GENERATOR = "base_generator"
WIDTH = 34
"""Of the column with the parts."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, look, print; returns the exit code."""
    guard_output()
    args = _parser().parse_args(arguments)
    try:
        context = context_of(args)
        interrupts = ours("tools.outcomes.interrupts")
    except AgentFlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    code: int = interrupts.ended(lambda: asyncio.run(_told(context, args.live)), patience=2.0)
    return code


async def _told(context: Context, live: bool) -> int:
    failed = 0
    async for finding in findings(context, live):
        failed += finding.state == "failed"
        print(finding.render(WIDTH), flush=True)
    print("* the backend in use")
    print(f"\n{failed} failed" if failed else "\nall that the settings name works")
    return 1 if failed else 0


async def findings(context: Context, live: bool) -> AsyncIterator[Finding]:
    """All findings, as they come."""
    for finding in machine(Path.cwd()):
        yield finding
    async for finding in models(context, live):
        yield finding
    catalog, settings = ours("tools.catalog.catalog"), ours("tools.catalog.settings")
    names = [name for one in listed(context.tools) for name in catalog.SETS.get(one, (one,))]
    if GENERATOR in names:  # its model is the setting tool_model, which was looked at
        names.remove(GENERATOR)
        if not context.tool_model:
            yield warning(GENERATOR, "no model: unavailable", "--set tool_model=MODEL, or --model")
    check = ours("tools.catalog.check").findings
    try:
        async for finding in check(settings.Settings(file=context.tools_file), names, live):
            yield finding
    except ValueError as error:  # of the tools' settings; it says what to do
        yield failure("tools", str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    parser.add_argument("--live", action="store_true", help="make one real call of each")
    return parser


if __name__ == "__main__":
    sys.exit(main())
