"""The telling words of a question, for engines that want every word they are given on the page.

pattern("Who was the mayor of Old Harbor?")     # "mayor OR old OR harbor"
"""

from __future__ import annotations

from tools.wiki.corpus import words

_STOP = """
a about after all also an and any are as at be because been before being between but by can could
did do does during for from had has have he her him his how i if in into is it its many more most
much my no not of on one or other our she should so some such than that the their them then there
these they this those to under was we were what when where which while who whom whose why will with
would you your
"""
STOP_WORDS = frozenset(_STOP.split())


def pattern(query: str) -> str:
    """The words of `query` joined by OR: without stop words, unless there are no others."""
    found = list(dict.fromkeys(words(query)))
    telling = [word for word in found if word not in STOP_WORDS]
    return " OR ".join(telling or found)
