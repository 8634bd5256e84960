"""The rules behind `benchmarks.scoring`, one file each."""
