"""What our own code costs next to a plain form of it; knows nothing of a user's run."""
