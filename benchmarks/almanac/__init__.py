"""The almanac: a generated archipelago, and questions about it; knows no benchmark or trainer.

The world, of people and towns, is small, offline and made from a seed. So a planner can be trained
and measured on it in minutes, and nobody can have seen its facts before.

    from benchmarks.almanac import World, questions

    world = World(seed=0)
    world.documents()[0]                         # {"title": "Olen Hale", "text": "a painter ..."}
    questions(world, "heldout", n=100, seed=0)   # five levels, twenty questions of each

The last quarter of the people and of the towns is held out: no training question names such an
entity, passes through one or has one as its answer, and no held-out question touches any other.
Every single word of a held-out name occurs in training names; only the pair is new.
"""

from benchmarks.almanac.oracle import Plan, babble, contexts, plan
from benchmarks.almanac.questions import LEVELS, Level, Question, questions
from benchmarks.almanac.world import Person, Split, Town, World

__all__ = [
    "LEVELS",
    "Level",
    "Person",
    "Plan",
    "Question",
    "Split",
    "Town",
    "World",
    "babble",
    "contexts",
    "plan",
    "questions",
]
