"""An HTTP endpoint that streams the run as server-sent events: progress, then the answer.

    python examples/apps/fastapi_streaming.py 8765
    curl -N "http://127.0.0.1:8765/ask?question=Who+is+the+mayor+of+New+Bridge%3F"

It needs `pip install fastapi uvicorn`, which `make setup` brings. The events are those of
docs/apps.md, "Streams". Settings are the program's: a caller names no model and no tool.
"""

import json
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from agentflow_graph import AgentFlowError, Context, State, graph

app = FastAPI()
SETTINGS = Context(temperature=0, max_turns=5, max_seconds=60)


async def events(question: str) -> AsyncIterator[str]:
    """Each event as it happens; a question that cannot be asked is an event too."""
    asked = State(question=question)
    try:
        async for told in graph.astream(asked, context=SETTINGS, stream_mode="custom"):
            yield f"event: {told['type']}\ndata: {json.dumps(told)}\n\n"
    except AgentFlowError as error:
        yield f"event: error\ndata: {json.dumps(str(error))}\n\n"


@app.get("/ask")
async def ask(question: str) -> StreamingResponse:
    """Stream the run; it ends when the client goes away."""
    return StreamingResponse(events(question), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if sys.argv[1:] else 8765)
