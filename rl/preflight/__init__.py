"""Checks before a run: each module looks at one thing; nothing is started and nothing written.

`rl/preflight/plan.py` puts them together for `python -m rl.train --dry-run`.
"""
