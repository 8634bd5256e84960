"""The text of a question: what the graph is asked, and the fingerprint that identifies it.

format_question("Who wrote Emma?", WORDS)    # the question, an empty line, the instruction
fingerprint("Who wrote Emma?")     # the same for "who wrote Emma" of another source
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from string import ascii_uppercase

WORDS = "Answer in as few words as possible, between <answer> and </answer>."
NUMBER = "The answer is a number. Give it alone, between <answer> and </answer>."
LETTER = "Give only the letter of the right option, between <answer> and </answer>."
EXPRESSION = "Give the expression alone, between <answer> and </answer>."
# In the terms of the prompt that GAIA's leaderboard publishes.
GAIA = (
    "Give the answer between <answer> and </answer>: a number, or as few words as possible, or a "
    "comma-separated list of these. Write numbers in digits, without commas and, unless asked for, "
    "without units; write words without articles and abbreviations."
)

INSTRUCTIONS = (WORDS, NUMBER, LETTER, EXPRESSION, GAIA)

# Of bamboogle, hotpotqa and aime24 in the original's files; it follows without a space.
_ORIGINAL_INSTRUCTION = re.compile(r"\s*When ready, output the final answer enclosed in <answer>.*")
_WORD = re.compile(r"\w+")
_OPTION_LETTER = re.compile(r"^[A-Z][.)]\s+")
_DIGITS = 12
"""Of a fingerprint, in hexadecimal: 48 bits, for at most some ten thousand questions."""


def format_question(question: str, instruction: str, choices: Sequence[str] = ()) -> str:
    """The question, its options with their letters, and how to give the answer."""
    options = [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices, strict=False)]
    return "\n\n".join(filter(None, (question, "\n".join(options), instruction)))


def strip_instruction(question: str) -> str:
    """A question of the original's files without the instruction that some have at the end."""
    return _ORIGINAL_INSTRUCTION.sub("", question).strip()


def without_instruction(question: str) -> str:
    """An item's question without ours at its end."""
    for instruction in INSTRUCTIONS:
        question = question.removesuffix(instruction)
    return question.strip()


def strip_letter(option: str) -> str:
    """The text of an option such as `A. Ribosome`."""
    return one_line(_OPTION_LETTER.sub("", option))


def one_line(text: str) -> str:
    """With single spaces; an option with a line break in it could not be an answer's last line."""
    return " ".join(text.split())


def fingerprint(text: str) -> str:
    """The start of the SHA-256 of the words of `text`; case and punctuation do not count."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:_DIGITS]
