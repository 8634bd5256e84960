"""The benchmarks that the project makes itself, from the worlds of `benchmarks.almanac`."""
