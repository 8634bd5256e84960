"""The command line: asking, a conversation, playing again, looking at runs, and what works here."""
