"""What a resume loads or obeys: checkpoints, and the seals by which a user's own are known."""
