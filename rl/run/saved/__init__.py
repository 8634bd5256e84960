"""What a resume obeys and a verification reads: checkpoints, seals, and a ledger of digests."""
