"""Reading an answer off the memory by rule, for the forms without a model.

`sufficient` and `extractive`: a question asks either for an attribute ("Who is the *mayor* of ...",
"In which *town* does ...") or for a calculation. An attribute is answered by the value that follows
its name in the latest result that has it; a calculation by the latest result that is nothing but a
number. `stated`: the planner says itself what the answer is.
"""

import re
from collections.abc import Sequence

from agentflow_graph.state import Turn

UNKNOWN = "unknown"
"""The answer of a run that found nothing."""
_ASKED = re.compile(
    r"\b(?:who|whose|what|which|where|when|how)\b"
    r"(?:\s+(?:is|are|was|were|many|much|the|a|an))*\s+([a-z][a-z-]+)",
    re.IGNORECASE,
)
_CALCULATES = re.compile(r"\s[-+*/^x×÷]\s*\(?\d|\b(?:plus|minus|times|divided by)\b", re.IGNORECASE)
_NUMBER = r"[-+]?\d(?:[\d,]*\d)?(?:\.\d+)?"
_LINK = r"\W+(?:(?:of|is|was|are|were|in|the|called|named)\W+)*"
STATED_BY = "python_coder"
NOT_STATED = "no answer was stated"
"""What `stated` answers in the end; not `unknown`, which can be right."""
_STATED = re.compile(r"\s*answer:\s*(.*\S)\s*", re.IGNORECASE)
_VALUE = rf"({_NUMBER}|[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)"


def extract(question: str, turns: Sequence[Turn]) -> str | None:
    """The answer that the memory holds, or None while it holds none."""
    if _CALCULATES.search(question):
        pattern = rf"\s*({_NUMBER})\s*\Z"
        found = [re.match(pattern, result) for result in _results(turns)]
    elif asked := _ASKED.search(question):
        pattern = rf"\b(?i:{re.escape(asked[1])}){_LINK}{_VALUE}"
        found = [re.search(pattern, result) for result in _results(turns)]
    else:
        return None
    return next((match[1] for match in reversed(found) if match), None)


def best_effort(question: str, turns: Sequence[Turn]) -> str:
    """`extract`, else the latest result, else `unknown`: a run always ends in an answer."""
    return extract(question, turns) or ([UNKNOWN, *_results(turns)])[-1]


def stated(turns: Sequence[Turn]) -> str | None:
    """The answer that the planner stated, or None; for the form `stated` of both modules.

    To state it, it has python_coder print `answer: ...` and nothing else. No page can do that.
    """
    calls = [call for turn in turns for call in turn["calls"] if call["tool"] == STATED_BY]
    found = [_STATED.fullmatch(call["result"]) for call in calls if call["status"] == "ok"]
    return next((match[1] for match in reversed(found) if match), None)


def _results(turns: Sequence[Turn]) -> list[str]:
    return [call["result"] for turn in turns for call in turn["calls"] if call["status"] == "ok"]
