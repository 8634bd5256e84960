"""Answers in the forms in which leaderboards and the data sets' own scripts want them.

gaia.jsonl       a line an item: task_id, model_answer (GAIA's leaderboard)
hotpotqa.json    answer and sp by id (hotpot_evaluate_v1.py); supporting facts stay empty
musique.jsonl    a line an item, in the order of the data: id, predicted_answer,
                 predicted_support_idxs (empty), predicted_answerable (evaluate_v1.0.py)

An item without an answer is there with an empty one: the scripts count it as wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from agentflow_graph.errors import SettingError
from benchmarks.items.item import Item
from benchmarks.report.numbers.result import Session

Answers = Mapping[str, str]
"""By the id that the data set itself has."""


def predictions(
    session: Session, items: Mapping[str, Mapping[str, Item]], trial: int = 1
) -> dict[str, str]:
    """Text by name of file, for every task of the run that has such a form.

    Args:
        session: the run.
        items: its items by task and id, in the order of the data.
        trial: the one that is handed in.

    Raises:
        SettingError: no task has such a form, an item's own id is not known, or no such trial.
    """
    if not 1 <= trial <= session.trials:
        raise SettingError(f"--trial {trial}: the run has trials 1 to {session.trials}")
    tasks = [task for task in items if task in FORMS]
    if not tasks:
        raise SettingError(
            f"{', '.join(items)}: none has a form for predictions; these have: {', '.join(FORMS)}"
        )
    return {
        FORMS[task][0]: FORMS[task][1](_answers(session, task, items[task], trial))
        for task in tasks
    }


def _answers(session: Session, task: str, items: Mapping[str, Item], trial: int) -> Answers:
    said = {e.item: e.answer for e in session.results if (e.task, e.trial) == (task, trial)}
    lacking = [name for name, item in items.items() if not item.source_id]
    if lacking:
        raise SettingError(
            f"{task}: {len(lacking)} items, such as {lacking[0]}, do not know their id in the data "
            "set: run with the data set's own rows, from the hub or as --data DIR with "
            f"{task}.jsonl; the original's files have none"
        )
    return {item.source_id: said.get(name, "") for name, item in items.items()}


def _gaia(answers: Answers) -> str:
    return _lines([{"task_id": name, "model_answer": said} for name, said in answers.items()])


def _hotpotqa(answers: Answers) -> str:
    return (
        json.dumps({"answer": {**answers}, "sp": {name: [] for name in answers}}, indent=1) + "\n"
    )


def _musique(answers: Answers) -> str:
    return _lines(
        [
            {
                "id": name,
                "predicted_answer": said,
                "predicted_support_idxs": [],
                "predicted_answerable": True,
            }
            for name, said in answers.items()
        ]
    )


def _lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMS: dict[str, tuple[str, Callable[[Answers], str]]] = {
    "gaia": ("gaia.jsonl", _gaia),
    "gaia-files": ("gaia-files.jsonl", _gaia),
    "hotpotqa": ("hotpotqa.json", _hotpotqa),
    "musique": ("musique.jsonl", _musique),
}
"""By task the name of its file, and what makes it."""
