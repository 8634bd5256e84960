"""Ask on the command line: `python -m agentflow_graph "question" [--json | --quiet]`.

`python -m agentflow_graph chat` holds a conversation, `replay DIR` plays recorded runs again, and
`doctor` says what works here: see `agentflow_graph.terminal`. `view DIR` shows recorded runs in a
browser: see `agentflow_graph.terminal.viewer`.

Exit codes: 0 answered, 1 a model failed on the way (what was found is still printed), 2 a setting
or the question is wrong, 130 interrupted.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from langchain_core.messages import messages_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError, SettingError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import build_graph, graph
from agentflow_graph.nodes.parts.toolset import ours
from agentflow_graph.record import RecordError
from agentflow_graph.record.events import versions
from agentflow_graph.state import State
from agentflow_graph.terminal import verbs
from agentflow_graph.terminal.asking import answered
from agentflow_graph.terminal.settings import add_settings, context_of
from agentflow_graph.terminal.showing import show_of, spent

PATIENCE = 2.0
"""Seconds after Ctrl-C: a model that is being loaded, or generates, cannot be stopped."""
NOTE = (
    "note: the nano planner knows the almanac's kind of question only, such as\n"
    '      "Who is the mayor of the town where Olen Hale lives?" or\n'
    '      "What is 4738 * 37?" (four digits, then two); for anything else use --model\n'
)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the graph, print; returns the exit code."""
    guard_output()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["replay"]:
        from agentflow_graph.terminal import replay

        return replay.main(arguments[1:])
    if arguments[:1] == ["chat"]:
        from agentflow_graph.terminal import chat

        return chat.main(arguments[1:])
    if arguments[:1] == ["view"]:
        from agentflow_graph.terminal.viewer import command

        return command.main(arguments[1:])
    try:
        interrupts = ours("tools.outcomes.interrupts")
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments[:1] == ["doctor"]:
        from agentflow_graph.terminal import doctor

        return doctor.main(arguments[1:])
    if fault := verbs.misspelt(arguments):
        print(f"error: {fault}", file=sys.stderr)
        return 2
    args = _parser().parse_args(arguments)
    code: int = interrupts.ended(lambda: _answered(args), patience=PATIENCE)
    return code


def _answered(args: argparse.Namespace) -> int:
    try:
        context = context_of(args)
        if context.approve and not sys.stdin.isatty():
            raise SettingError(
                f"approve={context.approve!r} needs somebody to ask: call this in a terminal, use "
                "Studio, or a program"
            )
        if context.planner == "nano" and not args.quiet:
            print(NOTE, file=sys.stderr)
        state = asyncio.run(_answer(args, context))
    except (AgentFlowError, RecordError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({**state, "messages": messages_to_dict(state["messages"])}))
    elif args.quiet:
        print(state["answer"])
    else:
        print(f"\nAnswer: {state['answer']}   (stopped by: {state['stopped_by']})", flush=True)
        print(spent(state), file=sys.stderr)
    if state["error"]:
        print(f"error: {state['error']}", file=sys.stderr)
    return 1 if state["stopped_by"] == "error" else 0


def _parser() -> argparse.ArgumentParser:
    known = (f"  {n:14} {f.description} [{f.default}]" for n, f in Context.model_fields.items())
    parser = argparse.ArgumentParser(
        prog=verbs.program(),
        description="Answer a question with planner, executor, verifier and generator.\n\n"
        + verbs.told(),
        epilog="\n".join(["settings for --set NAME=VALUE:", *known]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("question", help="or a verb; - reads the question from standard input")
    own = versions()["agentflow-graph"]
    parser.add_argument("--version", action="version", version=f"agentflow-graph {own}")
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the finished state as one line")
    parser.add_argument("--quiet", action="store_true", help="print the answer alone")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep all that was asked and answered there, "
        "as AGENTFLOW_RECORD does; `replay DIR` plays it again",
    )
    return parser


async def _answer(args: argparse.Namespace, context: Context) -> State:
    config: RunnableConfig = {"recursion_limit": context.recursion_limit}
    agent = build_graph(record=args.record) if args.record or context.approve else graph
    if context.approve:
        agent.checkpointer = InMemorySaver()
        config["configurable"] = {"thread_id": "terminal"}
    question = sys.stdin.read() if args.question == "-" else args.question
    if not question.strip():
        raise SettingError(f"the question is empty ({question!r}); write it in quotes")
    show = show_of(quiet=args.json or args.quiet)
    return await answered(agent, State(question=question), config, context, show)


if __name__ == "__main__":
    sys.exit(main())
