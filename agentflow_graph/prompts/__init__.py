"""What a model is shown: every prompt, and the memory as text; knows no model and no reply."""
