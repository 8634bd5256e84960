"""Looks before a run: each module checks one thing and yields findings; nothing is started.

`rl/preflight/plan.py` puts them together for `python -m rl.train --dry-run`.
"""
