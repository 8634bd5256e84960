"""Running, resuming and scoring a benchmark; knows nothing of tables, plots or pages."""
