"""The only place that knows the insides of OpenRLHF 0.11.2, Ray, DeepSpeed and vLLM.

Stock classes are subclassed, never edited; `places.py` puts the subclasses in their places and
`launch.py` runs OpenRLHF's own command line. Every private name that is relied upon is listed and
checked by `tests/rl/test_canary*.py`, so that an upgrade fails there and not in the third hour of a
run.
"""
