"""The items of a benchmark, from files or the hub; knows no particular benchmark."""
