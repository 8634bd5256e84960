"""Training: Flow-GRPO (arXiv 2510.05592) in the live graph, through OpenRLHF, Ray and vLLM."""

AGENTFLOW = True
