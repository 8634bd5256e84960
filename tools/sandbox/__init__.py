r"""Where code written by a model runs: behind one protocol, proved by canaries, else not at all.

    sandbox = choose.auto()
    execution = await sandbox.run("print(6 * 7)", Limits())      # execution.stdout == "42\n"

`protocol` says what a sandbox is; `landlock` is the backend, and `client`, `zygote`, `cage`,
`child`, `workdir` and `frames` are its parts from our side to the far side; `canaries` try to
break out; `choose` gives a sandbox that answers `unavailable` unless every canary was held.
"""
