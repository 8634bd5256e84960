"""Models by name, and the planner's model where tokens matter; knows nothing of nodes or runs."""
