"""Rollout engines: vLLM in Ray actors, and the weights they serve; they know no graph."""
