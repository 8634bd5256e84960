"""Text to token ids and back, exactly as transformers would; knows no model and no server."""
