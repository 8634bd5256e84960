"""The commands of the runner: run, resume, score, view."""
