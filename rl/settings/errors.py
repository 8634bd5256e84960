"""Every exception of training, and what a command line makes of them.

    AgentFlowError (agentflow_graph/errors)
    ├── SettingError     a setting cannot work; raised before anything is started
    ├── TrainingFailed   a run broke off; what was recorded until then stays in its folder
    ├── Stalled          no run scores any more, so training on would teach nothing
    ├── Differs          what a run left is not what its training gives
    ├── MoneySpent       the run's limit of money is reached
    ├── WorldAway        servers that runs need did not come back
    └── ServerFailed     the server of a planner broke off or did not come up

`rl.train` turns those after the second into TrainingFailed, which names the log and the remedy.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from agentflow_graph.errors import AgentFlowError, SettingError
from agentflow_graph.record import RecordError
from tools.outcomes.extras import explained
from tools.outcomes.interrupts import ended

EXTRA = "train"
"""What brings the packages of training."""


class TrainingFailed(AgentFlowError):
    """Training broke off; what was recorded until then stays in the run folder."""


class Stalled(AgentFlowError):
    """Training cannot go on: no run scores any more."""


class MoneySpent(AgentFlowError):
    """Training stops until its limit of money is raised."""


class WorldAway(AgentFlowError):
    """Training cannot go on now: too many runs fail for no fault of their own."""


class Differs(AgentFlowError):
    """What a run left behind is not what training on its record gives."""


class ServerFailed(AgentFlowError):
    """The server broke off, or did not come up in time."""


LASTING = (AssertionError, SettingError, Stalled, TrainingFailed, TypeError, LookupError)
"""What happens again where nothing is changed."""


def brief(error: Exception) -> str:
    """Kind and text of an error, with its notes; of a traceback that it carries, the last line."""
    text = str(error).strip()
    if '\n  File "' in text:
        text = text.splitlines()[-1]
    return "; ".join([f"{type(error).__name__}: {text}", *getattr(error, "__notes__", ())])


def going_on(error: Exception, run: Path) -> str:
    """How a training goes on that `error` broke off."""
    command = f"`{resume_command(run)}`"
    if isinstance(error, MoneySpent):
        return f"nothing is lost; {command[:-1]} rollout.max_money=...` goes on with a higher limit"
    if isinstance(error, Stalled | TrainingFailed):
        return (
            f"as it is, it would end so again; {command[:-1]} --checkpoint NAME optimizer.lr=...` "
            "goes on otherwise"
        )
    if isinstance(error, LASTING):
        return (
            f"it would break off so again until that is put right; then {command}, or a new run "
            "where it needs another setting"
        )
    return f"go on with {command}"


def resume_command(run: Path) -> str:
    """What goes on with `run`, where this process has imported what the run names.

    A script's own folder, and what PYTHONPATH names for one command, are not searched by another.
    """
    script = str(Path(sys.argv[0]).parent)
    given = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), script]
    known = {Path.cwd(), Path(__file__).parents[2]}
    folders = [one for one in given if Path(one).resolve() not in known and _used(one)]
    path = shlex.quote(os.pathsep.join(dict.fromkeys(folders)))
    before = f"PYTHONPATH={path} " if folders else ""
    return f"{before}python -m rl.train --resume {shlex.quote(str(run))}"


def _used(folder: str) -> bool:
    """Whether a module or a package that lies in this folder was imported."""
    this = ("__main__", "__mp_main__")
    tops = [each for name, each in [*sys.modules.items()] if "." not in name and name not in this]
    files = [Path(file) for each in tops if (file := vars(each).get("__file__"))]
    lie = {(file.parent if file.stem == "__init__" else file).parent for file in files}
    return Path(folder).resolve() in lie


def exit_code(
    work: Callable[[], object], interrupted: str = "what was recorded stays in the run folder"
) -> int:
    """Do `work` and say in one line what went wrong; returns 0, 1, 2 or 130.

    `interrupted` says what Ctrl-C leaves.
    """

    def done() -> int:
        try:
            work()
        except ModuleNotFoundError as error:
            print(f"error: {explained(error, EXTRA)}", file=sys.stderr)
            return 2
        except SettingError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except (AgentFlowError, RecordError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        return 0

    return ended(done, f"interrupted; {interrupted}")
