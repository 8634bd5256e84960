"""Copies of a run, each damaged in one way, and what verifying them says; prints JSON by damage.

Run as a program, because the trainer's stand-ins for torch.cuda hold for a whole process, and once
for all copies, because imports take most of the time: `python damaged.py RUN FOLDER`.

Those called forged have a ledger and a summary that were made to fit, so that only computing shows
what was done.
"""

import json
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import safetensors.torch
import torch

from agentflow_graph.record.packed import lines_of as lines_of_file
from agentflow_graph.record.packed import pack
from agentflow_graph.record.reading import files_of
from rl.run.record import rows
from rl.run.saved.fingerprints import fingerprints
from rl.run.saved.ledger import chained, lines_of
from rl.settings.errors import Differs
from rl.verify import verify

Event = dict[str, Any]


def edit(batch: Path, change: Callable[[list[Event]], list[Event]]) -> None:
    """Rewrite the events of a batch, with the checksums that they then have."""
    for path in files_of(batch):
        events = [orjson.loads(line[9:]) for line in lines_of_file(path)]
        texts = [orjson.dumps(event) for event in change(events)]
        plain = path.with_suffix("")  # a run that has ended is packed
        plain.write_bytes(b"".join(b"%08x %b\n" % (zlib.crc32(text), text) for text in texts))
        pack(plain)


def forge(run: Path) -> None:
    """Make ledger and summary fit what the record holds now."""
    lines, before = lines_of(run), ""
    for line in lines:
        if line["kind"] == "step":
            found = fingerprints(run / "record" / f"train-{line['step']:05d}")
            line["runs"] = {name: "".join(marks) for name, marks in found.items()}
        before = line["chain"] = chained(before, line)
    (run / "ledger.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"ledger": before}))


def chosen(run: Path) -> tuple[Path, str]:
    """A batch, and a run of two turns in a group that taught something.

    Which batches have one differs by processor, for weights do: the first step is taken last,
    because its policy is the one that training began from.
    """
    batches = sorted((run / "record").glob("train-*"))
    for batch in [*batches[1:], batches[0]]:
        found = rows(batch)
        for row in found:
            rewards = {other["reward"] for other in found if other["id"] == row["id"]}
            if len(rewards) > 1 and len(row["state"]["turns"]) > 1:
                return batch, f"{batch.name}/{row['id']}/{row['number']}/{row['attempts'] - 1}"
    raise AssertionError("no step has such a run: take other questions")


def is_of(event: Event, run: str, kind: str, node: str = "", turn: int = 0) -> bool:
    call = event.get("call", ["", 0])
    return event.get("run") == run and event["event"] == kind and call[:2] == [node, turn]


def token(run: Path) -> str:
    batch, name = chosen(run)

    def change(events: list[Event]) -> list[Event]:
        for event in events:
            if is_of(event, name, "answered", "planner", 2):
                ids = event["answer"]["token_ids"]
                ids[1] = ids[1] - 1 if ids[1] else 1
        return events

    edit(batch, change)
    return name


def reward(run: Path) -> str:
    batch, name = chosen(run)

    def change(events: list[Event]) -> list[Event]:
        for event in events:
            if event.get("run") == name and event["event"] == "finished":
                event["reward"] = 1.0 - event["reward"]
        return events

    edit(batch, change)
    return name


def weight(run: Path) -> str:
    path = run / "model" / "model.safetensors"
    weights = safetensors.torch.load_file(path)
    name = sorted(weights)[3]
    some = weights[name].view(-1)
    some[7] = torch.nextafter(some[7], torch.tensor(9.0))
    safetensors.torch.save_file(weights, path, {"format": "pt"})
    return name


def turn_removed(run: Path) -> str:
    batch, name = chosen(run)
    edit(batch, lambda events: [e for e in events if not is_of_turn(e, name, 2)])
    return name


def is_of_turn(event: Event, run: str, turn: int) -> bool:
    told = event.get("turn", event.get("call", ["", 0])[1])
    return bool(event.get("run") == run and told == turn)


def turns_swapped(run: Path) -> str:
    batch, name = chosen(run)

    def change(events: list[Event]) -> list[Event]:
        places = {
            turn: [i for i, e in enumerate(events) if is_of_turn(e, name, turn)] for turn in (1, 2)
        }
        order = [*places[2], *places[1]]
        found = list(events)
        for place, other in zip(sorted(order), order, strict=True):
            found[place] = events[other]
        return found

    edit(batch, change)
    return name


def forged_turn(run: Path) -> str:
    """The last turn of a run is in its state no more."""
    batch, name = chosen(run)

    def change(events: list[Event]) -> list[Event]:
        for event in events:
            if event.get("run") == name and event["event"] == "ended":
                event["state"]["turns"].pop()
        return events

    edit(batch, change)
    forge(run)
    return name


def forged(damage: Callable[[Path], str]) -> Callable[[Path], str]:
    def both(run: Path) -> str:
        name = damage(run)
        forge(run)
        return name

    return both


def ledger(run: Path) -> str:
    """The weights after a step are said to be those after the next."""
    lines = lines_of(run)
    second, third = (line for line in lines if line["kind"] == "step" and line["step"] in (2, 3))
    second["weights"] = third["weights"]
    (run / "ledger.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return ""


def other_processor(run: Path) -> str:
    lines = lines_of(run)
    lines[0]["processor"] = "another"
    (run / "ledger.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    forge(run)
    return ""


DAMAGES: dict[str, Callable[[Path], str]] = {
    "token": token,
    "reward": reward,
    "weight": weight,
    "turn removed": turn_removed,
    "turns swapped": turns_swapped,
    "ledger": ledger,
    "forged token": forged(token),
    "forged reward": forged(reward),
    "forged turn": forged_turn,
    "other processor": other_processor,
}


def first_weights(run: Path, folder: Path) -> tuple[str, str]:
    """A planner that is not quite the one that the run began from."""
    begun = next(line for line in (run / "config.yaml").read_text().splitlines() if "path:" in line)
    shutil.copytree(begun.split()[1], folder)
    path = folder / "model.safetensors"
    weights = safetensors.torch.load_file(path)
    name = sorted(weights)[0]
    weights[name].view(-1)[0] += 1e-6
    safetensors.torch.save_file(weights, path, {"format": "pt"})
    return name, str(folder)


def said(run: Path, planner: str = "") -> str:
    """What is said of a run that differs; empty where it is the same."""
    try:
        verify(run, planner)
    except Differs as error:
        return str(error)
    return ""


def main(run: Path, folder: Path) -> None:
    found = {}
    for name, damage in DAMAGES.items():
        copy = folder / name.replace(" ", "-")
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
        found[name] = damage(copy), said(copy)
    name, planner = first_weights(run, folder / "planner")
    found["first weights"] = name, said(run, planner)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
