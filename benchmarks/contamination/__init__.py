"""Whether a question was known before: in training questions, or in what a search found."""
