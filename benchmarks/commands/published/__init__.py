"""The verbs of who publishes numbers: studies, whole papers, predictions, contamination."""
