"""What a finished run shows, as tables, plots and pages; starts no run."""
