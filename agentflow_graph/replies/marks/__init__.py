"""What marks an answer in a reply, and what is wrapped around it."""
