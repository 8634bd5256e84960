"""Where `wikipedia_search` looks: `passage` says what a backend is, `corpus` searches a file."""
