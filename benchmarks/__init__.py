"""Tasks that measure an agent: questions, right answers, scorers and the runner; knows no trainer.

Each folder imports only what stands below it:

    commands   the verbs of `python -m benchmarks`
    costs      what the project's own code costs
    runner     runs, resumes and scores a benchmark
    report     what a finished run shows
    tasks      the benchmarks, one file each
    items      what a benchmark asks, and the files and the hub it comes from
    scoring    whether an answer is right; the trainer's rewards are the same functions
    almanac    a generated world with questions in levels; it needs no download
"""

AGENTFLOW = True
"""Marks this package as ours: `benchmarks` is a common name, and another one may shadow it."""
