r"""Characters that drive a terminal or deceive a reader, written out; all others stay.

    visible("\x1b[2Jgone\u202etxt")        # "\\x1b[2Jgone\\u202etxt"

Written out are C0 but tab and newline, C1, direction overrides and isolates, deprecated and
interlinear format characters, line separators, BOM, lone surrogates, and what has no width. Some of
these are ordinary in some scripts, and stay there: joiners beside a letter of a script that joins,
or in an emoji (UTS #46, CONTEXTJ); a zero-width space between letters of a script without spaces
(UAX #14, class SA); a variation selector after the character it belongs to; the tags of a flag.
Direction marks (LRM, RLM, ALM) stay everywhere: they turn no letter round.
"""

from __future__ import annotations

import re

_NEWLINES = re.compile(r"\r\n?")
# Hebrew to Mongolian, Vedic, and the later blocks of Indic and Arabic script.
_JOINING = (
    "\u0590-\u1aff\u1cd0-\u1cff\ua800-\ua8ff\ua980-\uaaff\uabc0-\uabff\ufb1d-\ufdff\ufe70-\ufefc"
)
_JOINING += "\U00010a00-\U00010eff\U00011000-\U00011fff\U0001e900-\U0001e95f"
_EMOJI = "\u00a9\u00ae\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff"
_SPACELESS = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aad\ua9e0-\ua9ff\uaa60-\uaadf"
)
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\u115f\u1160\u3164\uffa0\U000e0000-\U000e001f]"
    f"|(?<![{_JOINING}{_EMOJI}])[\u200c\u200d](?![{_JOINING}])"
    f"|(?<![{_SPACELESS}])\u200b|\u200b(?![{_SPACELESS}])"
    f"|(?:(?<=[{_SELECTORS}\\s])|^)[{_SELECTORS}]"
    f"|(?<![{_TAGS}\U0001f3f4])[{_TAGS}]+"
)
_SEEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u115e\u1161-\u1fff\u3000-\u3163\u3165-\ud7ff\ue000-\ufdff]"
)
"""What only a few texts hold; a text without it is fine, and needs no slower look."""


def visible(text: str) -> str:
    r"""`text` with what drives terminals or deceives readers written out, as `\x1b` or `\u202e`.

    Tabs and newlines stay; `\r\n` and `\r` become `\n`. From U+007F on the form is that of JSON, so
    that JSON stays JSON and keeps its meaning.
    """
    if not _SEEN.search(text):
        return text
    return _HOSTILE.sub(_written_out, _NEWLINES.sub("\n", text))


def _written_out(match: re.Match[str]) -> str:
    return "".join(_form(ord(sign)) for sign in match[0])


def _form(code: int) -> str:
    if code < 0x7F:
        return f"\\x{code:02x}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
