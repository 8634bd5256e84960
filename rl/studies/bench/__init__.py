"""What training costs in time and memory; knows no result of training.

`python -m rl bench-update`, `python -m rl bench-memory`, `python -m rl bench-pools`.
"""
