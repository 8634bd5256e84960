"""What runs inside the sandbox's processes; imports nothing of ours but itself."""
