"""What OpenRLHF's own parser makes of our flags, without starting anything."""

from __future__ import annotations

import runpy
import sys
from typing import Any
from unittest.mock import patch

from rl.adapter.stack.flags import complete, flags
from rl.settings.config import Config


class _Caught(Exception):
    pass


def _stop(args: Any) -> None:
    raise _Caught(args)


def openrlhf_args(config: Config) -> Any:
    """The arguments with which OpenRLHF's command line would train as `config` says.

    They are what `rl.adapter.patches` lets it pass on. Its parser lives inside
    `if __name__ == "__main__"` and nowhere else.
    """
    words = ["train_ppo_ray", *flags(config)]
    with (
        patch("openrlhf.utils.get_strategy", _stop),
        patch("ray.is_initialized", lambda: True),
        patch.object(sys, "argv", words),
    ):
        try:
            runpy.run_module("openrlhf.cli.train_ppo_ray", run_name="__main__")
        except _Caught as stopped:
            args = stopped.args[0]
    complete(args, config)
    return args
