"""Tasks that measure an agent: questions, gold answers, scorers and the runner.

`benchmarks.scoring.scorers` holds the scorers, plain functions that the trainer uses as rewards too;
`benchmarks.scoring.judge` asks a model where a rule cannot tell; `benchmarks.report.statistics` says what the
scores show.
`benchmarks.almanac` is a generated world with questions in levels; it needs no download.
"""

AGENTFLOW = True
"""Marks this package as ours: `benchmarks` is a common name, and another one may shadow it."""
