"""Right answers that cannot be right: drawn at random, in the shape of a real one.

    decoy("June 20, 1837", seen="When ...? 1837", rng=Random(0))    # "March 7, 1502"

A judge that accepts an answer as equal to one of these does not compare.
"""

from __future__ import annotations

import random
import re

_NAMES = [
    "Abelard",
    "Almond",
    "Anvil",
    "Ashgrove",
    "Bellows",
    "Birch",
    "Bramble",
    "Candle",
    "Cedar",
    "Cinder",
    "Clover",
    "Cobalt",
    "Copper",
    "Coral",
    "Cricket",
    "Dapple",
    "Dovetail",
    "Ember",
    "Falcon",
    "Fennel",
    "Ferry",
    "Flint",
    "Gable",
    "Garnet",
    "Ginger",
    "Hammock",
    "Harrow",
    "Hazel",
    "Heron",
    "Indigo",
    "Ivory",
    "Jasper",
    "Juniper",
    "Kestrel",
    "Lantern",
    "Larch",
    "Lichen",
    "Linden",
    "Magpie",
    "Marble",
    "Marigold",
    "Meadow",
    "Mistral",
    "Mortar",
    "Nettle",
    "Nutmeg",
    "Ochre",
    "Orchard",
    "Osprey",
    "Otter",
    "Pebble",
    "Pepper",
    "Pewter",
    "Plover",
    "Quarry",
    "Quartz",
    "Quill",
    "Rafter",
    "Raven",
    "Rowan",
    "Saddle",
    "Saffron",
    "Sandal",
    "Sorrel",
    "Spindle",
    "Sparrow",
    "Tallow",
    "Teasel",
    "Thimble",
    "Thistle",
    "Timber",
    "Trellis",
    "Umber",
    "Velvet",
    "Walnut",
    "Willow",
    "Wicker",
    "Yarrow",
    "Zephyr",
]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH = re.compile("|".join(_MONTHS))
_NUMBER = re.compile(r"[-+$]?[0-9][0-9,.]*%?")
_DRAWS = 100


def decoy(gold: str, seen: str, rng: random.Random) -> str:
    """A date for a date, a number for a number, words for words; shares nothing with `seen`.

    Args:
        gold: whose shape to take; nothing of its text is in the result.
        seen: the question and the answer to be judged.
        rng: where chance comes from.
    """
    taken = set(re.findall(r"\w+", f"{gold} {seen}".casefold()))
    for _ in range(_DRAWS):
        drawn = _draw(gold.strip(), rng)
        if taken.isdisjoint(re.findall(r"\w+", drawn.casefold())):
            return drawn
    # Only an answer that lists all the words gets here.
    return f"{rng.getrandbits(64):016x}"


def _draw(gold: str, rng: random.Random) -> str:
    if _NUMBER.fullmatch(gold):
        return str(rng.randint(10**6, 10**9))
    if _MONTH.search(gold) and re.search("[0-9]", gold):
        return f"{rng.choice(_MONTHS)} {rng.randint(1, 28)}, {rng.randint(1000, 2000)}"
    return " ".join(rng.sample(_NAMES, max(2, min(3, len(gold.split())))))
