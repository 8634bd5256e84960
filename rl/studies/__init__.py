"""Experiments over whole training runs; nothing else imports them."""
