"""The benchmarks, one small file each, and their names; knows neither runner nor report."""
