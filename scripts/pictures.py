"""Make the pictures of README.md and docs/ anew, of the real programs.

    python scripts/pictures.py terminal            docs/terminal.svg: a question on the command line
    python scripts/pictures.py viewer DIR [PAGE]   docs/viewer.png: the viewer on a run of yours

The first needs tmux, the terminal that it is taken of; the second Chromium. PAGE is what a browser
has behind the # of the viewer's address, such as `run?name=NAME`.
"""

import re
import subprocess
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
QUESTION = "Who is the mayor of the town where Olen Hale lives?"
COLUMNS, ROWS = 88, 40
SIZE = (1280, 900)
LARGEST = 150_000
"""Bytes: a page of README loads all of its pictures."""
# The stock template names fonts on a network: a picture of ours asks nobody.
SVG = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def terminal() -> None:
    """The screen of a terminal after the nano planner's answer, colours and all."""
    screen = Text.from_ansi(_screen(f'agentflow "{QUESTION}"').rstrip())
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(screen)
    picture = console.export_svg(title="agentflow", code_format=SVG, unique_id="terminal")
    _keep(DOCS / "terminal.svg", picture.encode())


def _screen(command: str) -> str:
    """What tmux shows once a command has ended in it, with the sequences of its colours."""
    tmux = ("tmux", "-L", "pictures", "-f", "/dev/null")
    shown = f"PATH={ROOT}/.venv/bin:$PATH; printf '$ %s\\n' '{command}'; {command}"
    whole = f"{shown} 2>/dev/null; tmux -L pictures wait-for -S ended; sleep 60"
    size = ("-x", str(COLUMNS), "-y", str(ROWS))
    subprocess.run([*tmux, "new-session", "-d", *size, "sh", "-c", whole], cwd=ROOT, check=True)
    try:
        subprocess.run([*tmux, "wait-for", "ended"], check=True, timeout=60)
        capture = [*tmux, "capture-pane", "-p", "-e"]
        return subprocess.run(capture, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)


def viewer(run: str, page: str = "") -> None:
    """A page of the viewer, as a browser shows it."""
    place = f"&to={quote(page, safe='')}" if page else ""
    command = [sys.executable, "-m", "agentflow_graph", "view", run, "--port=0", "--no-browser"]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert serving.stdout
    try:
        address = next(a for line in serving.stdout for a in re.findall(r"http://\S+", line))
        _keep(DOCS / "viewer.png", _small(_shot(address + place)))
    finally:
        serving.terminate()
        serving.wait()


def _shot(address: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shot.png"
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [size, "--virtual-time-budget=5000", f"--screenshot={file}", address]
        subprocess.run(command, check=True, timeout=60, stderr=subprocess.DEVNULL)
        return file.read_bytes()


def _small(png: bytes) -> bytes:
    """With at most 256 colours: a page has few, and what blends them is not missed."""
    small = BytesIO()
    image = Image.open(BytesIO(png)).convert("RGB")
    few = image.quantize(256, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    return small.getvalue()


def _keep(file: Path, data: bytes) -> None:
    assert len(data) < LARGEST, f"{file} would have {len(data)} bytes: show less, {LARGEST} at most"
    file.write_bytes(data)
    print(f"{file.relative_to(ROOT)}: {len(data):,} bytes")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["terminal"]:
            terminal()
        case ["viewer", run, *page]:
            viewer(run, *page)
        case _:
            sys.exit(__doc__)
