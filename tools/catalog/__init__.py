"""Tools by name, with their settings and checks; no tool knows it, and it alone knows them all."""
