"""The rules behind `benchmarks.scoring.scorers`, one file each."""
