"""What a finished run shows, as tables, plots and pages; knows no runner and starts no run."""
