r"""Multiple choice: the right option by its letter, by its text or by both.

    choice(["Nystatin", "Ketamine"], "Ketamine", "It must be <answer>(B)</answer>").value   # 1.0

An answer that names no option, or two, is wrong; nothing is guessed. A single letter is always read
as a letter, even where an option's text is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

from benchmarks.scoring.rules.answer import (
    Score,
    extract_answer,
    normalise,
    unprefixed,
    without_markup,
)

LONGEST = 2_000
"""Characters of an answer that are read."""

# Letters of ASCII alone: with IGNORECASE, [A-Z] takes a dotted capital I too.
_ALONE = re.compile(r"(?:(?i:option|choice)\s*:?\s*)?[(\[{]?\s*([A-Za-z])\s*[)\]}]?")
_IN_FRONT = re.compile(
    r"(?:(?i:option|choice)\s+)?"
    r"(?:[(\[]\s*([A-Za-z])\s*[)\]]\s*[.:,-]?|([A-Za-z])(?:\s*[.:)]|\s+[-\u2013\u2014]\s))\s*(?=\S)",
)
_BEHIND = re.compile(
    r"(?P<text>.*\S)\s*[(\[]\s*(?:(?i:option|choice)\s+)?(?P<letter>[A-Za-z])\s*[)\]]"
)
_REASON = re.compile(r"([A-Z]),?\s+(?:because|since)\b.*", re.DOTALL)
_ASIDE = re.compile(r"\s*\([^()]*\)\W*")
_AROUND = " \t\r\n*_`\"'$.,:;"


def choice(choices: Sequence[str], gold: str, reply: str) -> Score:
    """1.0 if the answer in `reply` is the option `gold`.

    Args:
        choices: texts of the options A, B, C, ...; with their letters or without.
        gold: the text of the right option, as in `choices`. Where two options have the same text,
            both letters are right.
        reply: the whole reply of a model.

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
    if spell(reply[:LONGEST]) == spell(gold) and not _ALONE.fullmatch(reply.strip(_AROUND)):
        return Score(1.0, reply, "whole")
    answer, rule = extract_answer(reply)
    shown = unprefixed(without_markup(answer[:LONGEST]))
    return Score(float(_chosen(options, spell, shown) == spell(gold)), answer, rule)


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
    plain = {normalise(text) for text in texts}
    strict = len(plain) < len(set(texts)) or "" in plain
    return (lambda text: " ".join(text.split())) if strict else normalise


def _chosen(options: Sequence[str], spell: Callable[[str], str], answer: str) -> str | None:
    """The text of the option that the answer names; None where it names none for certain."""
    bare = answer.strip(_AROUND)
    alone = _ALONE.fullmatch(bare) or _REASON.fullmatch(bare)
    if alone and (named := _option(options, alone[1])) is not None:
        return named
    if spell(answer) in options:
        return spell(answer)
    if front := _IN_FRONT.match(bare):
        return _agreed(options, ascii_uppercase[_letter(front)], spell(bare[front.end() :]))
    if behind := _BEHIND.fullmatch(bare):
        return _agreed(options, behind["letter"], spell(behind["text"]))
    return spell(bare) if spell(bare) in options else None


def _letter(mark: re.Match[str]) -> int:
    return ascii_uppercase.index((mark[1] or mark[2]).upper())


def _option(options: Sequence[str], letter: str) -> str | None:
    number = ascii_uppercase.index(letter.upper())
    return options[number] if number < len(options) else None


def _agreed(options: Sequence[str], letter: str, text: str) -> str | None:
    """The letter's option, if its text is that option, its beginning, or it and an aside.

    Text that is another option, or an aside that names one, contradicts the letter.
    """
    option = _option(options, letter)
    if option is None or not text or text == option:
        return option if text else None
    if text in options:
        return None
    aside = _ASIDE.fullmatch(text.removeprefix(option)) if text.startswith(option) else None
    named = aside and any(other in aside[0] for other in options if other != option)
    return option if option.startswith(text) or (aside and not named) else None
