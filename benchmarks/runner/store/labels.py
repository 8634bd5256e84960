"""Rule, judge and human about the same answers: a file to be filled in, and Cohen's kappa.

    write_labels(folder, session)       # labels.csv: `human` is empty; write yes or no
    agreements(folder, session)         # kappa of human and rule, human and judge, once filled

Rows are the answers that rule and judge were both asked about: all on which they differ, then some
on which they agree. A file that is there already is never written over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.report.numbers.agreement import kappa
from benchmarks.report.numbers.result import Agreement, Result, Session

FILE = "labels.csv"
ROWS = 200
"""At most, what rule and judge differ about first."""
HEAD = ("task", "item", "trial", "question", "golds", "answer", "rule", "judge", "human")
_SAID = {"yes": True, "y": True, "1": True, "no": False, "n": False, "0": False}
# A table calculator takes a cell that begins so for a formula; answers are a model's.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_labels(folder: Path, session: Session) -> list[Path]:
    """Write the file for human labels; nothing where there is nothing to label or it is there."""
    asked = [each for each in session.results if each.verdicts]
    path = folder / FILE
    if not asked or path.exists():
        return []
    ordered = sorted(asked, key=lambda each: each.verdicts[0] in ((True, True), (False, False)))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(HEAD)
    table.writerows(_row(each) for each in ordered[:ROWS])
    path.write_text(text.getvalue(), encoding="utf-8")
    return [path]


def agreements(folder: Path, session: Session) -> list[Agreement]:
    """Human and rule, human and judge, over the rows with a label; empty without labels.

    Raises:
        SettingError: a label is neither yes nor no, or the file is of another run.
    """
    labelled = list(_labelled(folder, session))
    if not labelled:
        return []
    by_rule = [(human, rule) for human, each in labelled for rule, _ in each.verdicts]
    by_judge = [(human, judge) for human, each in labelled for _, judge in each.verdicts]
    return [_agreement("human, rule", by_rule), _agreement("human, judge", by_judge)]


def _agreement(raters: str, pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    same = sum(a == b for a, b in pairs) / len(pairs)
    return Agreement(raters, len(pairs), same, kappa(pairs))


def _labelled(folder: Path, session: Session) -> Iterable[tuple[bool, Result]]:
    path = folder / FILE
    if not path.exists():
        return
    known = {(each.task, each.item, str(each.trial)): each for each in session.results}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            said = (row.get("human") or "").strip().casefold()
            result = known.get((row.get("task", ""), row.get("item", ""), row.get("trial", "")))
            if said and (said not in _SAID or result is None):
                raise SettingError(
                    f"{path}, line {number}: human={said!r} for {row.get('item')!r}; write yes or "
                    "no, or nothing, for an answer of this run"
                )
            if said and result is not None and result.verdicts:
                yield _SAID[said], result


def _row(result: Result) -> list[str]:
    rule, judge = ("yes" if said else "no" for said in result.verdicts[0])
    golds = " | ".join(result.golds)
    cells = [result.task, result.item, str(result.trial), result.question, golds, result.answer]
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in [*cells, rule, judge, ""]]
