"""What a module's reply must hold, read tolerantly; knows no model and no graph."""
