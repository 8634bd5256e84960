"""What the page asks for, as plain data fit to be shown: it knows no HTTP."""
