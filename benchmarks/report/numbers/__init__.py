"""What a run came to in numbers: results, intervals, tests, pairs; shows nothing."""
