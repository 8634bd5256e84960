"""What OpenRLHF's own parser makes of our flags, without starting anything."""

from __future__ import annotations

import runpy
import sys
from typing import Any
from unittest.mock import patch

from rl.adapter.flags import flags
from rl.settings.config import Config


class _Parsed(Exception):
    pass


def _stop(args: Any) -> None:
    raise _Parsed(args)


def parsed(config: Config) -> Any:
    """The arguments that OpenRLHF's command line passes on, completed as `launch.train` does.

    Its parser lives inside `if __name__ == "__main__"` and nowhere else.
    """
    words = ["train_ppo_ray", *flags(config)]
    with (
        patch("openrlhf.utils.get_strategy", _stop),
        patch("ray.is_initialized", lambda: True),
        patch.object(sys, "argv", words),
    ):
        try:
            runpy.run_module("openrlhf.cli.train_ppo_ray", run_name="__main__")
        except _Parsed as stopped:
            args = stopped.args[0]
    args.ds.param_dtype = config.model.dtype
    args.flow_device, args.flow_threads = config.engine.device, config.optimizer.threads
    return args
