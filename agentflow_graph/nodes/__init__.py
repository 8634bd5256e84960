"""The four modules of AgentFlow; each is a coroutine from a `Run` to an update of the state."""
