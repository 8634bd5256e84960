"""What a model is shown: every prompt, memory and progress as text; knows no model and no reply."""
