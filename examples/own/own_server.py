"""A model server of your own: the least of OpenAI's protocol that the agent needs.

    python examples/own/own_server.py 8767 &
    agentflow "How much is 6 * 7?" --model vllm:mine@http://127.0.0.1:8767

`--model` asks it for the analysis, the plan, the arguments, the verdict and the answer; it tells
them apart by their prompts. Any server of that protocol works so (docs/models.md).
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agentflow_graph import planned


def reply(prompt: str) -> str:
    """What your model would say."""
    if "Tool Name:" in prompt:
        return planned("python_coder", "print(6 * 7)")
    if "fill in the arguments" in prompt:
        return json.dumps({"code": "print(6 * 7)"})
    if '"complete"' in prompt:
        return json.dumps({"complete": "Result: 42" in prompt, "reason": "the result is there"})
    return "Six times seven is <answer>42</answer>."


class Handler(BaseHTTPRequestHandler):
    """Answers POST /v1/chat/completions."""

    def do_POST(self) -> None:
        """Read the messages, say something, name why it ended."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = reply(" ".join(message["content"] for message in asked["messages"]))
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"model": asked["model"], "choices": [choice]}).encode())


port = int(sys.argv[1]) if sys.argv[1:] else 8767
try:
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
except OSError as error:
    sys.exit(f"port {port}: {error.strerror}; name another one: own_server.py PORT")
server.serve_forever()
