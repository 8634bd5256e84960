"""The answer in a generator's reply."""


def final_answer(text: str) -> str:
    """The last `<answer>` of a reply, else the whole reply."""
    _, tag, answer = text.rpartition("<answer>")
    return answer.split("</answer>")[0].strip() if tag else text.strip()
