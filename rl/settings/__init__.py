"""Configuration, command lines and errors of training; knows nothing of what is done with them."""
