r"""Multiple choice: the right option by its letter, by its text or by both.

    choice(["Nystatin", "Ketamine"], "Ketamine", "It must be <answer>(B)</answer>").value   # 1.0

An answer that names no option, or two, is wrong; nothing is guessed. A single letter is always read
as a letter, even where an option's text is one. Words behind a letter may be anything that does not
contradict it: another option's text or letter, a denial, a doubt.
"""

from __future__ import annotations

import re
import unicodedata
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
_NAMED = r"(?:(?i:the )?(?i:option|choice|answer|letter|selection|correct)\s*:?\s+)?"
# What says that a letter comes; a sentence of another kind is not read.
_CHOSEN = re.compile(
    r"(?:(?:so|thus|hence|therefore|clearly|definitely|certainly|among (?:the|these) options)[,:]?"
    r"\s+"
    r"|[=-]>\s*|[\u2190-\u2bff\U0001f300-\U0001faff]\s*"
    r"|(?:i|we|i'd|i would|let me)\s+(?:think|believe|choose|pick|select|go with)\s+"
    r"(?:it's\s+|it is\s+)?"
    r"|(?:choose|pick|select|go with|going with|it's|it is)\s+){1,3}"
    r"(?=[(\[*_`$]*(?:option\s+|choice\s+)?[(\[*_`$]*[a-z]\b)",
    re.IGNORECASE,
)
# A letter of its own in marks: **B**, `(B)`, $B$.
_MARKED = re.compile(
    r"(?P<mark>\*{1,3}|_{1,2}|`|\$)(?P<letter>[(\[]?[A-Za-z][)\]]?)[.:)]?(?P=mark)"
)
# Another option that is ruled out beside the answer: "B, not C", "B rather than A".
_RULED_OUT = re.compile(
    r"[\s,;(]+(?:and |but )?(?:not|instead of|rather than)\s+(?i:option )?[(]?[A-Z]\b[)]*(?=\W*\Z)"
)
_ALONE = re.compile(rf"{_NAMED}[(\[{{]?\s*([A-Za-z])\s*[)\]}}]?")
_IN_FRONT = re.compile(
    r"(?:(?i:option|choice)\s+)?"
    r"(?:[(\[]\s*([A-Za-z])\s*[)\]]\s*[.:,-]?|([A-Za-z])(?:\s*[.:)]|\s*\n|\s+[-=\u2013\u2014]\s))\s*(?=\S)",
)
# A letter, and behind it a word or a sign that goes on speaking of it.
_SPOKEN_OF = re.compile(
    r"(?:(?i:option|choice)\s+)?[(\[]?\s*([A-Z])\s*[)\]]?\s*"
    r"(?=[,;]|\(|\b(?:is|was|because|since|as|would be|seems|must)\b)"
)
_BEHIND = re.compile(
    r"(?P<text>.*\S)\s*[(\[]\s*(?:(?i:option|choice)\s+)?(?P<letter>[A-Za-z])\s*[)\]]"
)
# Of `10^{-9}`, `$10^{-9}$` and `10^-9` the same is left.
_POWER = re.compile(r"[{}^$]")
_AROUND = " \t\r\n*_`\"'$.,:;!"
# What takes an answer back, or leaves it open.
_DENIED = re.compile(
    r"\b(?:wrong|incorrect|false|untrue|excluded|ruled out|eliminated|unlikely|either|or|and/or"
    r"|wait|actually|not sure|unsure|guess|maybe|perhaps|might|could|although|but|however|instead"
    r"|nor|neither|scratch that|on second thought|reject(?:ed)?|discard(?:ed)?|distractor)\b|\?"
    r"|\b(?:hmm|oh)?,? no\b\W*$"
    r"|\b(?:is|was|are|be|am|do|does|can)(?: not|n'?t)(?! (?:sure|all|needed|required|used|have))"
    r"|^\W*(?:and|not|no|or)\b",
    re.IGNORECASE,
)
_AFFIRMED = re.compile(
    r"\s*(?:is|was|must be|would be)\s+(?:(?!(?:never|hardly|no|not|far|nowhere|scarcely|partially"
    r"|partly|only|half)\b)\w+\s+){0,2}(?:correct|right|best|answer|true)\b[^.;\n]*",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:never|hardly|scarcely|far from|nowhere|partially|partly|no answer)\b", re.I
)
_BECAUSE = re.compile(r"[\s,]*(?:because|since)\b", re.IGNORECASE)
_RETRACTED = re.compile(
    r"\b(?:wait|actually|instead|correction|scratch|rather|also (?:correct|right|true))\b"
    r"|\bwould be (?:\w+ ){0,2}(?:correct|right|best|true)\b.*\bif\b"
    r"|\b(?:correct|right|true) only (?:in|for|if|when)\b",
    re.IGNORECASE,
)
# Another letter that is called right.
_OTHER_IS = re.compile(
    r"\b([A-Z])\s+(?:is|are|was|would be)\s+(?:the\s+)?(?:\w+\s+)?"
    r"(?:correct|right|best|answer|true)\b"
    r"|\b(?:answer|choice) is (?:option )?[(]?([A-Z])\b"
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
    chosen = _chosen(options, spell, _opened(without_markup(answer)))
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


def _opened(answer: str) -> str:
    """An answer from its letter on, where a phrase leads to it, and the letter without marks."""
    lead = _CHOSEN.match(answer)
    marked = _MARKED.match(answer, lead.end() if lead else 0)
    if marked:
        letter = marked["letter"] if marked["letter"][-1] in ")]" else f"{marked['letter']}."
        return letter + answer[marked.end() :].removeprefix(":").removeprefix(".")
    return answer[lead.end() :] if lead else answer


def _plain(text: str) -> str:
    return normalise(_POWER.sub("", text.replace("&", " and ")))


def _chosen(options: Sequence[str], spell: Callable[[str], str], answer: str) -> str | None:
    """The text of the option that the answer names; None where it names none for certain."""
    bare = unicodedata.normalize("NFKC", answer).replace("\u3002", ".").strip(_AROUND)
    bare = _RULED_OUT.sub("", bare).strip(_AROUND)
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
    if any((found[1] or found[2]) != letter.upper() for found in _OTHER_IS.finditer(words)):
        return None
    if affirmed := _AFFIRMED.match(words):
        return None if _DENIED.search(affirmed[0]) or _RETRACTED.search(words) else option
    if _NEGATED.search(words):
        return None
    if _BECAUSE.match(words):
        return None if _RETRACTED.search(words) else option
    others = [other for other in options if other != option and other not in option]
    rest = _without_excluded(text.removeprefix(option), others)
    if any(len(other) > 1 and _mentions(rest, other) for other in others):
        return None
    if _DENIED.search(rest) and not _DENIED.search(option):
        return None
    letters = set(ascii_uppercase[: len(options)]) - {letter.upper()}
    named = {(mark[1] or mark[2]).upper() for mark in _LETTER_NAMED.finditer(words)}
    return None if named & letters and rest == text else option


def _without_excluded(text: str, others: Sequence[str]) -> str:
    """Without other options that are named to be ruled out: `not warfarin`."""
    for other in others:
        text = re.sub(rf"\b(?:not|rather than|instead of)\s+{re.escape(other)}(?!\w)", "", text)
    return text


def _mentions(text: str, other: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(other)}(?!\w)", text) is not None
