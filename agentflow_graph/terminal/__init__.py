"""What the command line does beside asking: `agentflow doctor`, `agentflow replay`."""
