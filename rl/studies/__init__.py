"""Experiments over whole training runs, started as programs; nothing else imports them."""
