"""The four modules, each a coroutine from a `NodeRun` to an update of the state; know no graph."""
