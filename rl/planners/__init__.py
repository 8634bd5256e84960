"""Planners made without reinforcement: nano, warm start, imitation; knows no trainer."""
