"""What our own code costs, measured beside a plain form of it; nothing of a user's run."""
