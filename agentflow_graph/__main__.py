"""Ask on the command line: `python -m agentflow_graph "question" [--json] [--record DIR]`.

`python -m agentflow_graph replay DIR` plays recorded runs again; `doctor` says what works here: see
`agentflow_graph.terminal`.

Exit codes: 0 answered, 1 a model failed on the way (what was found is still printed), 2 a setting
or the question is wrong, 130 interrupted.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import messages_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, StreamMode

from agentflow_graph.context import Context, pairs
from agentflow_graph.errors import AgentFlowError, SettingError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import build_graph, graph
from agentflow_graph.models.strings import FORMS
from agentflow_graph.nodes.parts.toolset import ours
from agentflow_graph.nodes.resources import MODULES
from agentflow_graph.prompts.progress import line
from agentflow_graph.record import RecordError
from agentflow_graph.state import State

PATIENCE = 2.0
"""Seconds after Ctrl-C: a model that is being loaded, or generates, cannot be stopped."""
NOTE = (
    "note: the nano planner knows the almanac's kind of question only, such as\n"
    '      "Who is the mayor of the town where Olen Hale lives?"; for anything else use --model\n'
)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the graph, print; returns the exit code."""
    guard_output()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["replay"]:
        from agentflow_graph.terminal import replay

        return replay.main(arguments[1:])
    if arguments[:1] == ["doctor"]:
        from agentflow_graph.terminal.doctor import main as doctor

        return doctor(arguments[1:])
    args = _parser().parse_args(arguments)
    try:
        interrupts = ours("tools.outcomes.interrupts")
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    code: int = interrupts.ended(lambda: _answered(args), patience=PATIENCE)
    return code


def _answered(args: argparse.Namespace) -> int:
    try:
        context = _context(args)
        if context.approve and not sys.stdin.isatty():
            raise SettingError(
                f"approve={context.approve!r} needs somebody to ask: call this in a terminal, use "
                "Studio, or a program"
            )
        if context.planner == "nano":
            print(NOTE, file=sys.stderr)
        state = asyncio.run(_answer(args, context))
    except (AgentFlowError, RecordError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({**state, "messages": messages_to_dict(state["messages"])}))
    else:
        print(f"\nAnswer: {state['answer']}   (stopped by: {state['stopped_by']})")
    if state["error"]:
        print(f"error: {state['error']}", file=sys.stderr)
    return 1 if state["stopped_by"] == "error" else 0


def _parser() -> argparse.ArgumentParser:
    known = (f"  {n:14} {f.description} [{f.default}]" for n, f in Context.model_fields.items())
    parser = argparse.ArgumentParser(
        prog="python -m agentflow_graph",
        description="Answer a question with planner, executor, verifier and generator.",
        epilog="\n".join(["settings for --set NAME=VALUE:", *known]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question")
    parser.add_argument("--model", metavar="M", help=f"one model for every module: {FORMS}")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true", help="print the finished state as one line")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep all that was asked and answered there, "
        "as AGENTFLOW_RECORD does; `replay DIR` plays it again",
    )
    return parser


def _context(args: argparse.Namespace) -> Context:
    modules = (*MODULES, "tool_model") if args.model else ()
    given: dict[str, Any] = dict.fromkeys(modules, args.model)
    return Context.of(given | dict(pairs(args.set)))


async def _answer(args: argparse.Namespace, context: Context) -> State:
    state: State = {}
    config: RunnableConfig = {"recursion_limit": context.recursion_limit}
    agent = build_graph(record=args.record) if args.record or context.approve else graph
    if context.approve:
        agent.checkpointer = InMemorySaver()
        config["configurable"] = {"thread_id": "terminal"}
    given: State | Command[Any] | None = State(question=args.question)
    while given is not None:
        waits, asked = None, given
        modes: list[StreamMode] = ["values", "custom"]
        async for mode, told in agent.astream(asked, config, context=context, stream_mode=modes):
            if mode == "values":
                state, waits = cast(State, told), told.get("__interrupt__")
            elif not args.json and (text := line(told)):
                print(text, flush=True)
        given = Command(resume=_decision(waits[0].value)) if waits else None
    return state


def _decision(shown: dict[str, Any]) -> dict[str, Any]:
    """Ask in the terminal about a tool call; see `agentflow_graph.nodes.approval`."""
    action = shown["action_requests"][0]
    print(f"\n{action['description']}\n  {action['name']}({json.dumps(action['args'])})")
    try:
        said = input("Run it? yes, no and why, or other arguments as JSON: ").strip()
    except EOFError:
        said = "no: the terminal was closed"
    if said.startswith("{"):
        return {"type": "edit", "args": _arguments(said)}
    word, _, reason = said.partition(" ")
    if word.lower().strip(",:.") in ("n", "no"):
        return {"type": "reject", "message": reason.strip()}
    return {"type": "approve"} if said.lower() in ("y", "yes") else {"type": said}


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
