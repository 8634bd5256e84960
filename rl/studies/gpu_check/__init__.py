"""What only a GPU can show, as checks that judge themselves; knows no configuration but nano's.

`python -m rl gpu-check`.
"""
