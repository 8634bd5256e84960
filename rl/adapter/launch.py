"""Start: our configuration as OpenRLHF's flags, our patches, then OpenRLHF's command line."""

from __future__ import annotations

import runpy
import signal
import sys
from functools import partial
from threading import Event
from typing import Any, NoReturn

import ray

from rl.adapter.engines.cpu_engines import create_cpu_engines
from rl.adapter.stack.cluster import start_ray
from rl.adapter.stack.nodes import hold_to_one_folder
from rl.adapter.stack.root_cause import root_cause
from rl.run.metrics import Recorder
from rl.settings.config import Config


def train(config: Config, recorder: Recorder) -> None:
    """Run the whole training; Ray is started here and always shut down."""
    terminated = Event()
    try:
        start_ray(config.engine.device == "cpu", config.placement.nodes)
        # After ray.init, whose own handler aborts the process before anything can be saved.
        signal.signal(signal.SIGTERM, partial(_leave, terminated))
        if config.placement.nodes > 1:
            hold_to_one_folder(config)
        engines = _cpu_engines(config)
        # OpenRLHF takes seconds to import; on a machine without GPUs the engines start meanwhile.
        from rl.adapter.patches import patch_openrlhf
        from rl.adapter.stack.flags import flags

        patch_openrlhf(config, recorder, engines)
        sys.argv = ["train_ppo_ray", *flags(config)]
        runpy.run_module("openrlhf.cli.train_ppo_ray", run_name="__main__")
    except SystemExit:
        # Inside ray.get, Ray turns our exit code into 1.
        if terminated.is_set():
            raise SystemExit(143) from None
        raise
    except Exception as error:
        if cause := root_cause():
            error.add_note(f"a process of the run ended with {cause}")
        raise
    finally:
        ray.shutdown()


def _cpu_engines(config: Config) -> list[Any]:
    if config.engine.device != "cpu":
        return []
    engine, window = config.engine.model_dump(), config.rollout.window
    return create_cpu_engines(engine, config.model.path, config.seed, window, config.deterministic)


def _leave(terminated: Event, *_: Any) -> NoReturn:
    terminated.set()
    raise SystemExit(143)
