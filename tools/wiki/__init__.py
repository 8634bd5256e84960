"""Where `wikipedia_search` looks: files, servers and their ranking; knows no tool.

`passage` says what a backend is.
"""
