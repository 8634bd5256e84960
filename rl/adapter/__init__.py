"""The only room that knows the insides of OpenRLHF 0.11.2, Ray, DeepSpeed and vLLM.

Stock classes are subclassed, never edited: `patches.py` puts the subclasses in the places of
OpenRLHF's own, and `launch.py` runs OpenRLHF's command line. Every private name that is relied upon
is listed and checked by `tests/rl/adapter/test_canary*.py`, so that an upgrade fails there and not
in the third hour of a run. Knows nothing of command lines, of planners' making or of studies.
"""

from rl.adapter.stack.cpu import stub_flash_attn

# Before any module of this room imports OpenRLHF, which imports flash_attn.
stub_flash_attn()
