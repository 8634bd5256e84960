"""The rules behind `benchmarks.scoring.scorers`, one file each; they ask no model."""
