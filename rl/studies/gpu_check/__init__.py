"""What only a GPU can show, as checks that judge themselves: `python -m rl gpu-check`."""
