"""Benchmarks of training: `python -m rl bench-update`, `python -m rl bench-memory`."""
