"""Files that come with a question, as text of it; asks no model."""
