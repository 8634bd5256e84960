"""The graph behind a port: what callers may set, and who may call; knows no model and no tool."""
