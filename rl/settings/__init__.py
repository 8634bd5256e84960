"""A run's configuration, field by field; knows nothing of what is done with it."""
