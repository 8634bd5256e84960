"""Several runs as one piece of work: studies of budgets, and manifests of a whole paper."""
