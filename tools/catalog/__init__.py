"""Tools by name, with their settings and checks; the only part that knows every tool."""
