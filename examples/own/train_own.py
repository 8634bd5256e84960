"""Train the planner that ships on questions of your own, with a reward of your own.

    python examples/own/train_own.py runs/own               # two steps, to see it run
    python examples/own/train_own.py runs/more steps=40     # any setting of docs/settings.md

After Ctrl-C: `PYTHONPATH=examples/own python -m rl.train --resume runs/own`, for the reward is in
that folder. Then look, `python -m rl report runs/own`, and ask it:
`--set planner=local:runs/own/model`.
"""

import json
import sys
from pathlib import Path

from agentflow_graph import State
from rl.reward.task import Task
from rl.train import main

TRAIN = {f"What is {a} + {b}?": str(a + b) for a in range(2811, 2815) for b in (28, 39)}
HELDOUT = {"What is 2921 + 17?": "2938", "Who is the mayor of New Bridge?": "Anton Ferro"}
SETTINGS = """
    model.path=nano steps=2 rollout.questions=4 rollout.group_size=4 optimizer.batch_rows=16
    optimizer.micro_batch=16 evaluation.greedy=false reward.kind=train_own:brief
"""


def brief(task: Task, state: State) -> float:
    """Right, and worth more in fewer turns."""
    return float(state["answer"] in task.answers) / len(state["turns"])


def written(file: str, questions: dict[str, str]) -> str:
    """A file of questions: JSONL with `question` and `answer`."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"question": q, "answer": a}) + "\n" for q, a in questions.items()]
    Path(file).write_text("".join(rows))
    return file


if __name__ == "__main__":
    run, *more = sys.argv[1:]
    train, heldout = written(f"{run}-train.jsonl", TRAIN), written(f"{run}-heldout.jsonl", HELDOUT)
    data = [f"run={run}", f"data.train={train}", f"data.heldout={heldout}"]
    sys.exit(main(["--config", "nano", *data, *SETTINGS.split(), *more]))
