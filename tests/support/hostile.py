"""Text for property tests, with fragments that the rules turn on: random text rarely has them."""

from hypothesis import strategies as st

_FRAGMENTS = (
    *("<answer>", "</answer>", r"\boxed{", "{", "}", "\\", "$", "\n", " ", "**", "`"),
    *(r"\frac{1}{2}", r"\frac", r"\text{", r"\infty", r"\times", "^", "9^9", "(", ")", "[", "]"),
    *("the ", "a ", "1,234", ".0", ".", ",", ";", "-", "_", "7", "24", "=", "+", "*", "/", ":"),
    *("A", "(B)", "C.", "option ", "yes", "no", "June ", "20", "1837", "two", "%", "#"),
    *("\u2212", "\u00df", "\u0130", "\uff11", "\u00a0", "\u0301", "\u00d7", "\u2028", "\x00"),
)
fragments = st.sampled_from(_FRAGMENTS)
texts = st.text() | st.lists(fragments | st.characters()).map("".join)
