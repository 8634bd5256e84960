"""What stands under the trainer: OpenRLHF's flags, Ray, and a machine without GPUs; no engine."""
