"""Approval in a web form: before each tool call the run waits until a person has decided.

    python examples/apps/approval_form.py 8766      # then open http://127.0.0.1:8766

It needs `pip install fastapi uvicorn python-multipart`, which `make setup` brings. The checkpointer
keeps runs that wait; one on disk (SqliteSaver) keeps them through a restart.
"""

import sys
from html import escape
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agentflow_graph import Context, build_graph

app, agent = FastAPI(), build_graph()
agent.checkpointer = InMemorySaver()
ASK = "<form method=post><input name=question size=60><button>Ask</button></form>"
BUTTONS = "<button name=said value=approve>Yes</button><button name=said value=reject>No</button>"
DECIDE = f"<form method=post><p>{{}}</p><input type=hidden name=thread value={{}}>{BUTTONS}</form>"


@app.api_route("/", methods=["GET", "POST"], response_class=HTMLResponse)
async def page(request: Request) -> str:
    """A field for a question; then each call with two buttons; then the answer."""
    form = await request.form()
    if not form:
        return ASK
    begins, thread = "question" in form, str(form.get("thread", uuid4()))
    given: Any = {"question": form["question"]} if begins else Command(resume=form["said"])
    context = Context(temperature=0, approve="all") if begins else None  # a resume has the run's
    state = await agent.ainvoke(given, {"configurable": {"thread_id": thread}}, context=context)
    if "__interrupt__" not in state:
        return f"<p>{escape(state['answer'])}</p>{ASK}"
    call = state["__interrupt__"][0].value["action_requests"][0]
    return DECIDE.format(escape(f"{call['name']} {call['args']}"), escape(thread))


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if sys.argv[1:] else 8766)
