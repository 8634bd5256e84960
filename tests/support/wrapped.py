"""Answers wrapped as models wrap them, composed at random, and replies that only mention one."""

from __future__ import annotations

from hypothesis import strategies as st

GOLDS = (
    *("Paris", "Old Harbor", "J. K. Rowling", "Washington, D.C.", "AC/DC", "Michael Bublé"),
    *("1837", "June 20, 1837", "42", "-5", "3.14", "1,234", "50%", "x^2 + 1", "(1+1+1)*8"),
    *("no", "Aspirin and heparin", "Dr. Strangelove", "the Who", "O'Brien", "Smith & Sons"),
)
INSIDE = (
    *(
        "{}",
        "**{}**",
        "*{}*",
        "__{}__",
        "***{}***",
        "`{}`",
        '"{}"',
        "\u201c{}\u201d",
        "\u00ab{}\u00bb",
    ),
    *(
        "<b>{}</b>",
        "<strong>{}</strong>",
        "<span class='a'>{}</span>",
        "<i>{}</i>",
        "<code>{}</code>",
    ),
    *(
        "{}.",
        " {} ",
        "\u200b{}\u200b",
        "\ufeff{}",
        "\u00a0{}\u00a0",
        "{}\u2060",
        "<p>{}</p>",
        "{}<br>",
    ),
    *("**{}**.", '"{}."', r"\text{{{}}}", r"$\text{{{}}}$", r"\textbf{{{}}}", r"\({}\)"),
)
"""Around the answer alone."""
MARKS = (
    *(
        "<answer>{}</answer>",
        "<answer> {} </answer>",
        "<ANSWER>{}</ANSWER>",
        "<Answer>\n{}\n</Answer>",
    ),
    *("<answer>{}", "<answer>{}<answer>", "<answer>{}</answer", "<final_answer>{}</final_answer>"),
    *("`<answer>{}</answer>`", "**<answer>{}</answer>**", "&lt;answer&gt;{}&lt;/answer&gt;"),
    *("<answer>{}</answer> (between <answer> and </answer> as asked)", "<an\u200bswer>{}</answer>"),
    *(
        r"\boxed{{{}}}",
        r"$\boxed{{{}}}$",
        r"\fbox{{{}}}",
        "\\[\n\\boxed{{{}}}\n\\]",
        r"$$\boxed{{{}}}$$",
    ),
    *(
        "Answer: {}",
        "**Answer:** {}",
        "**Answer**: {}",
        "**Answer: {}**",
        "ANSWER: {}",
        "Answer = {}",
    ),
    *(
        "Final answer: {}",
        "### Answer\n{}",
        "### Final Answer:\n\n{}",
        "FINAL ANSWER: {}",
        "- Answer: {}",
    ),
    *(
        "The answer is {}.",
        "The answer is: {}",
        "So the answer is {}.",
        "Thus, the final answer is {}",
    ),
    *("The correct answer is {}.", "Based on the results, the answer is {}.", "> Answer: {}"),
    *("I think the answer is {}.", "My answer: {}", "The answer to the question is {}.", "Ans: {}"),
    *("<p>The answer is {}.</p>", "```\nAnswer: {}\n```", "_Answer_: {}", "Answer\u200b: {}"),
)
"""Says that this is the answer."""
BEFORE = (
    *(
        "",
        "I looked it up.\n",
        "Let me think.\nFirst, London came to mind.\n\n",
        "Steps:\n1. search\n\n",
    ),
    *(
        "<think>Is it Rome? <answer>Rome</answer></think>",
        "It may be Rome.</think>\n",
        "Rome?\n---\n",
    ),
    *("Answer in as few words as possible, between <answer> and </answer>.\n\n", "\\boxed{}\n"),
    *("I will put it between `<answer>` and `</answer>`.\n", "<answer></answer>\n", "\n\n"),
)
AFTER = (
    *(
        "",
        "\n",
        "\n\n",
        "\nI hope this helps!",
        "\n\nLet me know if you have any questions.",
        "\n---",
    ),
    *(
        "\n<answer></answer>",
        "<|im_end|>",
        "</s>",
        "\n\nThank you!",
        "\n```",
        "\n\nConfidence: 0.9",
    ),
)
MENTIONS = (
    *(
        "It is not {}.",
        "The answer is not {}.",
        "I considered {} but could not decide.",
        "{} or Rome",
    ),
    *("It would be wrong to say that the answer is {}.", "If so, the answer is {}", "Is it {}?"),
    *(
        "<answer>not {}</answer>",
        "<answer>Rome</answer> rather than {}",
        r"{} is wrong, \boxed{{Rome}}",
    ),
    *(
        "<think>The answer is {}.</think>\nThe answer is Rome.",
        "{} is one candidate, Rome another.",
    ),
    *(
        "The answer is {} or Rome.",
        "The answer is either {} or Rome.",
        "Answer: unknown; perhaps {}",
    ),
    *(
        "<think><answer>{}</answer></think>",
        "Some say {}.\n\nThe answer is Rome.",
        "<answer>{}, Rome",
    ),
    *(
        "The answer is {}. Wait, no, it is Rome.",
        "Nobody knows whether the answer is {}.",
        "{}?\n\nNo.",
    ),
    *("The answer is neither {} nor Rome.", "We can rule out {} immediately.", "{} has no answer"),
)


@st.composite
def wrapped(draw: st.DrawFn) -> tuple[str, str]:
    """A gold and a reply that gives it, in at most four wrappings, one of which is a mark."""
    gold = draw(st.sampled_from(GOLDS))
    inside = draw(st.lists(st.sampled_from(INSIDE), max_size=3))
    marks = draw(st.lists(st.sampled_from(MARKS), min_size=1, max_size=1))
    text = gold
    for frame in [*inside, *marks]:
        text = frame.format(text)
    return gold, draw(st.sampled_from(BEFORE)) + text + draw(st.sampled_from(AFTER))


@st.composite
def nested(draw: st.DrawFn) -> tuple[str, str]:
    """A gold within a box, or what says that it is the answer, within a tag."""
    gold, inner = draw(st.sampled_from(GOLDS)), draw(st.sampled_from(INSIDE))
    frame = draw(st.sampled_from([mark for mark in MARKS[13:] if "\n" not in mark]))
    return gold, f"<answer>{frame.format(inner.format(gold))}</answer>"


@st.composite
def mentioned(draw: st.DrawFn) -> tuple[str, str]:
    """A gold and a reply that mentions it and gives another answer or none."""
    gold = draw(st.sampled_from([gold for gold in GOLDS if gold != "no"]))
    before = draw(st.sampled_from(["", "I looked it up.\n", "Let me think.\n\n"]))
    return gold, before + draw(st.sampled_from(MENTIONS)).format(gold)
