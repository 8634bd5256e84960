"""Words that take an answer back, deny it, or leave it open."""

import re

_WRONG = r"(?:wrong|incorrect|mistaken|false|untrue|not (?:right|correct|true)|a mistake|an error)"

RETRACTS = re.compile(
    r"\W*(?:wait|actually|no|nope|not|or|hmm|but|however|rather|instead|alternatively|sorry"
    r"|(?:my )?apologies|correction|scratch|strike|hold on|never ?mind|just kidding|maybe|perhaps"
    r"|possibly|although|though|unless|oops|on (?:second thought|reflection)|in fact,? no"
    r"|it (?:could|may|might)|let me|i (?:mean|meant|was|made|retract|take)|my (?:mistake|bad)"
    rf"|(?:this|that|it)(?:'s| is| was) {_WRONG})\b",
    re.IGNORECASE,
)
"""How a sentence begins that takes back the one before it."""

TAKEN_BACK = re.compile(
    r"\W*(?:(?:wait|hmm|hold on|oops|sorry|no|actually)\b[\s,.:;!\u2014-]{0,4}){0,3}"
    rf"(?:(?:this|that|it|the above|my (?:\w+ )?answer)(?:(?:'s| is| was) (?:\w+ )?{_WRONG}"
    r"| can(?:no|')t be (?:right|correct|true))"
    r"|(?:correction|scratch that|strike that|never ?mind|i (?:retract|made an? (?:mistake|error)"
    r"|take (?:this|that|it) back))\b"
    r"|(?<=\w)[\s,.:;!\u2014-]{1,4}(?:it|the answer)(?:'s| is| should be| must be)\b)",
    re.IGNORECASE,
)
"""How a line begins that takes back what stands above it; thinking aloud does not."""

CONTRAST = re.compile(
    r";|\b(?:but|however|although|though|whereas|actually|instead"
    r"|according to (?:another|others?))\b",
    re.IGNORECASE,
)
"""What a reason has that speaks against the answer before it."""

HEDGED = re.compile(
    r"n't\b|\b(?:not|never|no|nor|neither|wrong|doubt|unlikely|false|could|might|may|maybe|perhaps"
    r"|possibly|if|whether|unless|candidate|guess|consider(?:ed)?|instead|except|either|or"
    r"|exclude|eliminate|rule out|avoid|trap|opposite)\b",
    re.IGNORECASE,
)
"""Words of a sentence that does not give what it ends with as its answer."""

_DENIES = re.compile(r"(?:\bnot|n't|\bnever|\bcannot)(?: be)?\s*:?[\s*_`$\"']*\Z", re.IGNORECASE)


def is_denied(text: str, start: int) -> bool:
    """Whether the words in front of a mark that begins at `start` deny what it holds."""
    return _DENIES.search(text[max(0, start - 40) : start]) is not None
