"""A fake provider of chat models behind every module, on a real HTTP server; it counts its calls.

with Provider(seed=1) as provider:
    context = Context(**provider.modules())
    provider.calls        # how often each different request was made

What it answers depends on the request alone, so that asking twice gives the same.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from typing import Any, Self

from answering import Answering, Reply, Request

_FENCE = re.compile(r"DATA-[0-9a-f]{16}")


class Provider:
    """Plans, arguments, verdicts, answers and judgements; a share of them are faults.

    Args:
        seed: another seed gives other faults.
        faults: share of replies that are garbage, empty, or an error of the server.
        delay: seconds before a reply.
    """

    def __init__(self, seed: int = 0, faults: float = 0.0, delay: float = 0.0) -> None:
        self._seed, self._faults, self._delay = seed, faults, delay
        self.calls: Counter[tuple[str, str]] = Counter()
        self.server = Answering(self._reply)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def model(self, name: str) -> str:
        """The model string of one of its models."""
        return f"vllm:{name}@{self.server.url}"

    def modules(self) -> dict[str, str]:
        """Settings in which every module is one of its models."""
        names = ("planner", "executor", "verifier", "generator")
        return {name: self.model(name) for name in names}

    def _reply(self, request: Request) -> Reply:
        body = request.json
        text = json.dumps(body["messages"])
        # Fence and decoys of a judge are drawn anew each time it is asked.
        subject = _FENCE.sub("", re.sub(r"right_answers[^]]*]", "", text))
        self.calls[body["model"], hashlib.sha256(subject.encode()).hexdigest()] += 1
        dice = random.Random(f"{self._seed} {body['model']} {subject}")
        if dice.random() < self._faults:
            kind = dice.choice(["garbage", "empty", "error"])
            if kind == "error":
                return Reply(400, {"error": {"message": "no", "type": "x"}}, delay=self._delay)
            return self._said("" if kind == "empty" else "{{ garbage")
        return self._said(self._words(body["model"], text, dice))

    def _words(self, model: str, text: str, dice: random.Random) -> str:
        if model == "planner":
            return f"Context: item {dice.randrange(100)}\nSub-Goal: find it\nTool Name: look_up"
        if model == "executor":
            return json.dumps({"query": f"item {dice.randrange(100)}"})
        if model == "verifier":
            return json.dumps({"complete": dice.random() < 0.4, "reason": "so"})
        if model == "judge":
            right = "right_answers" in text and '\\"yes\\"' in text
            return f"So.\nVERDICT: {'CORRECT' if right else 'INCORRECT'}"
        return f"It follows.\n<answer>{dice.randrange(100)}</answer>"

    def _said(self, text: str) -> Reply:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        body = {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
        return Reply(body=body, delay=self._delay)
