"""The hard almanac: a second, bigger world whose ten levels tell agents apart; knows no benchmark.

    world = HardWorld(seed=0)
    world.documents()[0]                              # {"title": ..., "text": ...}
    questions(world, "heldout", n=100, seed=0)        # ten levels, ten questions of each

    H1  four hops                               H6   units and growth
    H2  comparison of two towns                 H7   some questions have no answer: unknown
    H3  a list that no one search shows         H8   a page on the way gives orders
    H4  people of one name, told by trade       H9   a search on the way fails once
    H5  rumours, and how it was in a year       H10  compositions that training never has

As in the first world the splits are islands: what is held out occurs in no training question.
"""

from benchmarks.almanac.hard.oracle import babble, plan
from benchmarks.almanac.hard.questions import HardQuestion, questions
from benchmarks.almanac.hard.templates import LEVELS
from benchmarks.almanac.hard.world import HardWorld

SETTINGS = {"corpus": "almanac-hard", "verifier": "stated", "generator": "stated"}
"""Of the graph, where nobody says otherwise: its articles, and how an answer is given."""

__all__ = ["LEVELS", "SETTINGS", "HardQuestion", "HardWorld", "babble", "plan", "questions"]
