"""The door to weights: a model by name, from hub, package index, folder or GGUF file, as a folder.

What comes in is checked before it is opened, what goes out before it is put in place.
"""
