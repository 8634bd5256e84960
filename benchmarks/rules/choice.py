r"""Multiple choice: the right option by its letter or by its text.

    choice(["Nystatin", "Ketamine"], "Ketamine", "It must be <answer>(B)</answer>").value   # 1.0

An answer that names no option, or two, is wrong; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.rules.answer import Score, extract_answer, normalise, unprefixed

_LONGEST = 2_000
_LETTER = re.compile(
    r"(?:option|choice|answer)?\s*[(\[{]?\s*(?P<letter>[A-Za-z])\s*[)\]}]?(?P<after>[.:)]?)\s*",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^\s*(?:option\s+)?[(\[]?(?P<letter>[A-Za-z])(?:[)\]]\s*[.:]?|[.:])\s+", re.I)
_MARKUP = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")


def choice(choices: Sequence[str], gold: str, reply: str) -> Score:
    """1.0 if the answer in `reply` is the option `gold`: its letter, its text or both.

    Args:
        choices: texts of the options A, B, C, ...; with or without their letters.
        gold: the text of the right option, as in `choices`. Where two options have the same text,
            both letters are right.
        reply: the whole reply of a model.

    Raises:
        ValueError: `gold` is none of `choices`, or there are more options than letters.
    """
    options = [_text(option, place) for place, option in enumerate(choices)]
    right = _gold(options, gold)
    answer, rule = extract_answer(reply)
    chosen = _chosen(options, unprefixed(_MARKUP.sub(r"\1", answer[:_LONGEST]).strip("$ ")))
    return Score(float(chosen is not None and options[chosen] == right), answer, rule)


def _text(option: str, place: int) -> str:
    """Without the letter in front, if it is the option's own."""
    label = _LABEL.match(option)
    own = label is not None and label["letter"].upper() == _letter(place)
    return normalise(option[label.end() :] if own and label else option)


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _gold(options: Sequence[str], gold: str) -> str:
    if len(options) > 26:
        raise ValueError(f"{len(options)} choices: there are letters for 26")
    forms = {normalise(gold), *(_text(gold, place) for place in range(len(options)))}
    for option in options:
        if option and option in forms:
            return option
    raise ValueError(f"gold={gold!r} is none of the choices {list(options)}: repair the data set")


def _chosen(options: Sequence[str], answer: str) -> int | None:
    """The option named by the answer: its text, else its letter, else letter and text that agree."""
    plain = normalise(answer)
    if plain and plain in options:
        return options.index(plain)
    if (alone := _LETTER.fullmatch(answer.strip(" \t\n*_`\"'.,"))) is not None:
        return _place(options, alone["letter"])
    label = _LABEL.match(answer.lstrip("*_` "))
    if label is None:
        return None
    place, text = _place(options, label["letter"]), answer.lstrip("*_` ")[label.end() :]
    if place is None:
        return None
    return place if _agrees(options, place, normalise(text)) else None


def _agrees(options: Sequence[str], place: int, text: str) -> bool:
    """Whether the text after a letter is that option's, or at least no other's."""
    return text == options[place] or text not in options


def _place(options: Sequence[str], letter: str) -> int | None:
    place = ord(letter.upper()) - ord("A")
    return place if 0 <= place < len(options) else None
