"""The questions of a run, from files, the hub or the almanac; knows no rollout."""
