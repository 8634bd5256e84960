"""What a tool call gives back, what a check finds, and how files and Ctrl-C may be; no tool."""
