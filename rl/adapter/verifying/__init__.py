"""A recorded run trained once more in one process, without engine and without network."""
