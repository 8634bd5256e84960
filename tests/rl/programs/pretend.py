"""A job that ends at once: writes its file, or fails; `python -m pretend FILE CODE [TEXT]`.

With code -1 it waits to be interrupted.
"""

import sys
import time
from pathlib import Path

path, code, *text = sys.argv[1:]
if code == "-1":
    Path(path).with_suffix(".waiting").touch()
    time.sleep(60)
if code == "0":
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(" ".join(text))
print(f"pretended to make {path}")
sys.exit(int(code))
