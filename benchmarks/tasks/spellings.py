r"""The usual spellings of a right answer, to prove that a scoring rule knows them all.

    right_replies("choice", item)    # "B", "<answer>B</answer>", "\boxed{(B)}", ...

And the opposite: another item's answer, which the rule must call wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase

from benchmarks.items.item import Item
from benchmarks.items.wording import fingerprint

FRAMES = (
    "{}",
    "<answer>{}</answer>",
    "First I looked it up.\n<answer> {} </answer>",
    "It follows that \\boxed{{{}}}",
    "That leaves one thing.\n{}\n",
)
"""Where an answer may stand in a reply: alone, tagged, boxed, on the last line."""


def right_replies(rule: str, item: Item) -> list[str]:
    """Replies that a rule must call right for this item."""
    return [frame.format(form) for form in FORMS[rule](item) for frame in FRAMES]


def wrong_replies(rule: str, items: Sequence[Item], index: int) -> list[str]:
    """Replies that a rule must call wrong for `items[index]`: the next different item's answers.

    Empty where no other item has another answer.
    """
    later = (*items[index + 1 :], *items[:index])
    other = next((other for other in later if _differ(items[index], other)), None)
    forms = FORMS[rule](other) if other else []
    return [f"<answer>{form}</answer>" for form in forms]


def letters(item: Item) -> list[str]:
    """The letters of the right option; two, where two options have the same text."""
    return [
        letter
        for letter, text in zip(ascii_uppercase, item.choices, strict=False)
        if text == item.golds[0]
    ]


def _differ(item: Item, other: Item) -> bool:
    if item.numbers or other.numbers:
        return sorted(item.numbers) != sorted(other.numbers)
    if set(letters(item)) & set(letters(other)):
        return False
    # Without punctuation: to GAIA's rule $5 and 5 are the same.
    return not {*map(fingerprint, item.golds)} & {*map(fingerprint, other.golds)}


def _plain(item: Item) -> list[str]:
    return list(item.golds)


def _numbers(item: Item) -> list[str]:
    value = int(item.golds[0])
    return [f"{value}", f"{value}.0", f"{value:,}", f"${value}$"]


def _expressions(item: Item) -> list[str]:
    return [form for gold in item.golds for form in (gold, f"{gold} = 24")]


def _options(item: Item) -> list[str]:
    right = [f for letter in letters(item) for f in (letter, f"({letter})", f"{letter}.")]
    return [*right, item.golds[0], *(f"{letter}. {item.golds[0]}" for letter in letters(item))]


FORMS: Mapping[str, Callable[[Item], list[str]]] = {
    "exact": _plain,
    "words": _plain,
    "gaia": _plain,
    "maths": _numbers,
    "game24": _expressions,
    "choice": _options,
}
"""By rule the forms of a right answer, without what stands around it."""
