"""What a run asked and was answered, on disk; knows nothing of nodes, tools, trainers or pages.

    record = Record(Path("runs/record"))
    graph = build_graph(record=record)          # every run of this graph is recorded

    for run in read(Path("runs/record")).values():
        run.question, run.state, [call.request for call in run.calls]

One implementation has four users: a person who wants to see what happened, the trainer (rollouts
and exactly-once resume), the benchmarks (resume and scores) and the replay. Whoever wants to ask
looks first whether the answer is there already: that is resume, exactly-once and replay in one.
"""

from agentflow_graph.record.file import Record, RecordError, hold
from agentflow_graph.record.reading import RecordedRun, read
from agentflow_graph.record.run import RunRecord, Scope, record_as

__all__ = [
    "Record",
    "RecordError",
    "RecordedRun",
    "RunRecord",
    "Scope",
    "hold",
    "read",
    "record_as",
]
