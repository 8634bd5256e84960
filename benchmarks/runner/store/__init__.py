"""What a run keeps on disk, and what is read back from it; runs nothing."""
