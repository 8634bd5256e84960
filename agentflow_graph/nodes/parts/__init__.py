"""What a run works with, and one call of it: models and tools; knows no node."""
