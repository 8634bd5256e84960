"""A benchmark's items, from files or the hub; knows no particular benchmark."""
