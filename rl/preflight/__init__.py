"""Checks before a run, a module for each thing; starts nothing and knows no trainer.

`rl/preflight/plan.py` puts them together for `python -m rl.train --dry-run`.
"""
