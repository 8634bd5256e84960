"""The command line: asking, a conversation, playing again, and what works here."""
