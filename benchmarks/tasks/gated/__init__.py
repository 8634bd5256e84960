"""Benchmarks that the hub gives to accounts which accepted terms: no item of theirs is shown."""
