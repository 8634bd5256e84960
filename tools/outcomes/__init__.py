"""What a tool call gives back, and what a check finds; knows no tool."""
