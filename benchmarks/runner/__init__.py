"""Running, resuming and scoring a benchmark; knows nothing of pages or plots."""
