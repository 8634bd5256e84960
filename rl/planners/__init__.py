"""Planners made or measured without reinforcement; of the adapter they know only an engine."""
