"""Training: Flow-GRPO (arXiv 2510.05592) in the live graph; nothing else of ours knows it."""

AGENTFLOW = True
