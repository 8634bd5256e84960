r"""Boxes of LaTeX, `\boxed{...}`, with balanced braces."""

import re

from agentflow_graph.replies.marks.retraction import is_denied

# An escaped character is one token, so that a literal \{ or \} does not count as a brace.
_BRACE = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{|\\[a-zA-Z]+|\\.|[{}]", re.DOTALL)
_BARE = re.compile(r"\\boxed\s+([^\s{}$\\.,;]+)")
_JOINT = re.compile(
    r"(?:[\s$,;]|\\[ ,;()\[\]]|\\quad|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or|maybe|perhaps)\b)*"
)


def boxed(text: str) -> str | None:
    r"""What the last box holds that is not empty; None without one.

    Boxes with nothing but a comma, `and` or `or` between them are one answer: `1, 2`. Of nested
    boxes the innermost counts, and of denied ones none.
    """
    boxes = [box for box in _boxes(text) if not is_denied(text, box[0])]
    if not boxes:
        bare = _BARE.findall(text)
        return str(bare[-1]) if bare else None
    found = [boxes[-1]]
    for box in reversed(boxes[:-1]):
        between = text[box[1] : found[0][0]]
        if not _JOINT.fullmatch(between) or not re.search(r"[,;]|and|or", between):
            break
        found.insert(0, box)
    return ", ".join(text[start:end].strip() for _, _, start, end in found)


def _boxes(text: str) -> list[tuple[int, int, int, int]]:
    """Start and end of each innermost box with text, then of its text; one pass."""
    opened: list[tuple[re.Match[str], bool]] = []
    found: list[tuple[int, int, int, int]] = []
    for brace in _BRACE.finditer(text):
        if brace[0].endswith("{") and brace[0] != r"\{":
            opened.append((brace, len(brace[0]) > 1))
        elif brace[0] == "}" and opened:
            opening, is_box = opened.pop()
            inner = found and found[-1][0] > opening.start()
            if is_box and not inner and text[opening.end() : brace.start()].strip():
                found.append((opening.start(), brace.end(), opening.end(), brace.start()))
    return found
