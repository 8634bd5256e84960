"""What OpenRLHF's loss can be given beside the paper's objective, each with source and equation."""
