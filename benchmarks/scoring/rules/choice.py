r"""Multiple choice: the right option by its letter, by its text or by both.

    choice(["Nystatin", "Ketamine"], "Ketamine", "It must be <answer>(B)</answer>").value   # 1.0

An answer that names no option, or two, is wrong; nothing is guessed. A single letter is always read
as a letter, even where an option's text is one. Words behind a letter may be anything that does not
contradict it: another option's text or letter, a denial, a doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

from benchmarks.scoring.rules.answer import (
    Reply,
    Score,
    normalise,
    reading,
    without_markup,
)

LONGEST = 2_000
"""Characters of an answer that is read; a longer one names no option."""

# Letters of ASCII alone: with IGNORECASE, [A-Z] takes a dotted capital I too.
_NAMED = r"(?:(?i:the )?(?i:option|choice|answer|letter)\s*:?\s+)?"
_ALONE = re.compile(rf"{_NAMED}[(\[{{]?\s*([A-Za-z])\s*[)\]}}]?")
_IN_FRONT = re.compile(
    r"(?:(?i:option|choice)\s+)?"
    r"(?:[(\[]\s*([A-Za-z])\s*[)\]]\s*[.:,-]?|([A-Za-z])(?:\s*[.:)]|\s+[-\u2013\u2014]\s))\s*(?=\S)",
)
# A letter, and behind it a word or a sign that goes on speaking of it.
_SPOKEN_OF = re.compile(
    r"(?:(?i:option|choice)\s+)?[(\[]?\s*([A-Z])\s*[)\]]?\s*"
    r"(?=[,;]|\(|\b(?:is|was|because|since|as|would be|seems|must)\b)"
)
_BEHIND = re.compile(
    r"(?P<text>.*\S)\s*[(\[]\s*(?:(?i:option|choice)\s+)?(?P<letter>[A-Za-z])\s*[)\]]"
)
_AROUND = " \t\r\n*_`\"'$.,:;"
# What takes an answer back, or leaves it open.
_DENIED = re.compile(
    r"\b(?:wrong|incorrect|false|untrue|excluded|ruled out|eliminated|unlikely|either|or|and/or"
    r"|wait|actually|not sure|unsure|guess|maybe|perhaps|might|could|although|but|however|instead"
    r"|nor|neither)\b|\?"
    r"|\b(?:is|was|are|be|am|do|does|can)(?: not|n'?t)(?! (?:sure|all|needed|required|used|have))"
    r"|^\W*(?:and|not|no|or)\b",
    re.IGNORECASE,
)
_AFFIRMED = re.compile(
    r"\s*(?:is|was|must be|would be)\s+(?:\w+\s+){0,2}(?:correct|right|best|answer|true)\b[^.;\n]*",
    re.IGNORECASE,
)
_BECAUSE = re.compile(r"[\s,]*(?:because|since)\b", re.IGNORECASE)
_RETRACTED = re.compile(
    r"\b(?:wait|actually|instead|correction|scratch|rather|also (?:correct|right|true))\b",
    re.IGNORECASE,
)
# Letters by which an option would be named in a sentence; the article and "I" are none.
_LETTER_NAMED = re.compile(
    r"(?:\b(?i:option|choice|answer)s?\s+|[(\[])([A-Za-z])\b(?=[)\]\s.,;]|$)|\b([B-HJ-Z])\b(?![\w'])"
)


def choice(choices: Sequence[str], gold: str, reply: Reply) -> Score:
    """1.0 if the answer in the reply is the option `gold`.

    Args:
        choices: texts of the options A, B, C, ...; with their letters or without.
        gold: the text of the right option, as in `choices`. Where two options have the same text,
            both letters are right.
        reply: the whole reply of a model, or what was read from it.

    Raises:
        ValueError: `gold` is none of `choices`, or there are more options than letters.
    """
    if len(choices) > len(ascii_uppercase):
        raise ValueError(f"{len(choices)} choices: there are letters for {len(ascii_uppercase)}")
    texts, gold = _unlabelled(choices, gold)
    spell = _spelling(texts)
    options = [spell(text) for text in texts]
    if spell(gold) not in options:
        raise ValueError(f"gold={gold!r} is none of the choices {texts}: repair the data set")
    answer, where = reading(reply)
    if len(answer) > LONGEST:
        return Score(0.0, answer, where)
    chosen = _chosen(options, spell, without_markup(answer))
    return Score(float(chosen == spell(gold)), answer, where)


def _unlabelled(choices: Sequence[str], gold: str) -> tuple[list[str], str]:
    """Without letters, if every option has its own in front: `A. fumigatus` may be a name."""
    marks = [_IN_FRONT.match(option) for option in choices]
    letters = [_letter(mark) if mark else None for mark in marks]
    if letters != list(range(len(choices))):
        return [option.strip() for option in choices], gold.strip()
    texts = [
        option[mark.end() :].strip() for option, mark in zip(choices, marks, strict=True) if mark
    ]
    own = gold.strip() in [option.strip() for option in choices]
    mark = _IN_FRONT.match(gold)
    return texts, gold[mark.end() :].strip() if own and mark else gold.strip()


def _spelling(texts: Sequence[str]) -> Callable[[str], str]:
    """`normalise`, unless it takes two options for one (`5!` and `5`) or an option for nothing."""
    plain = {_plain(text) for text in texts}
    strict = len(plain) < len(set(texts)) or "" in plain
    return (lambda text: " ".join(text.split())) if strict else _plain


def _plain(text: str) -> str:
    return normalise(text.replace("&", " and "))


def _chosen(options: Sequence[str], spell: Callable[[str], str], answer: str) -> str | None:
    """The text of the option that the answer names; None where it names none for certain."""
    bare = answer.strip(_AROUND)
    alone = _ALONE.fullmatch(bare)
    if alone and (named := _option(options, alone[1])) is not None:
        return named
    if spell(answer) in options:
        return spell(answer)
    if behind := _BEHIND.fullmatch(bare):
        found = _agreed(options, behind["letter"], spell(behind["text"]), spell)
        if found is not None:
            return found
    if front := _IN_FRONT.match(bare) or _SPOKEN_OF.match(bare):
        letter = ascii_uppercase[_letter(front)]
        return _agreed(options, letter, spell(bare[front.end() :]), spell, bare[front.end() :])
    return spell(bare) if spell(bare) in options else None


def _letter(mark: re.Match[str]) -> int:
    return ascii_uppercase.index(next(letter for letter in mark.groups() if letter).upper())


def _option(options: Sequence[str], letter: str) -> str | None:
    number = ascii_uppercase.index(letter.upper())
    return options[number] if number < len(options) else None


def _agreed(
    options: Sequence[str], letter: str, text: str, spell: Callable[[str], str], words: str = ""
) -> str | None:
    """The letter's option, if the text beside it does not contradict it.

    Text in front of a letter (no `words`) must be that option or its beginning. Behind one it may
    be anything but another option, its letter, a denial or a doubt; what belongs to the option's
    own text contradicts nothing.
    """
    option = _option(options, letter)
    if option is None or not text or text == option:
        return option if text else None
    if text in options:
        return None
    if option.startswith(text):
        return option
    if not words:
        return None
    if affirmed := _AFFIRMED.match(words):
        tail = words[affirmed.end() :]
        return None if _DENIED.search(affirmed[0]) or _RETRACTED.search(tail) else option
    if _BECAUSE.match(words):
        return None if _RETRACTED.search(words) else option
    rest = text.removeprefix(option)
    others = [other for other in options if other != option and other not in option]
    if any(len(other) > 1 and _mentions(rest, other) for other in others):
        return None
    if _DENIED.search(rest) and not _DENIED.search(option):
        return None
    letters = set(ascii_uppercase[: len(options)]) - {letter.upper()}
    named = {(mark[1] or mark[2]).upper() for mark in _LETTER_NAMED.finditer(words)}
    return None if named & letters and rest == text else option


def _mentions(text: str, other: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(other)}(?!\w)", text) is not None
