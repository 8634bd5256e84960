"""The verbs of `python -m benchmarks`, one file each; nothing else imports them."""
