r"""Where code written by a model runs: behind one protocol, proved by canaries, else not at all.

    sandbox = choose.named("auto")
    execution = await sandbox.run("print(6 * 7)", Limits())      # execution.stdout == "42\n"

`protocol` says what a sandbox is. `bubblewrap` and `landlock` are the backends, `unsafe` the one
without walls; `warm` and `launch` are what they share, and `client`, `boot`, `zygote`, `running`,
`child`, `cage`, `syscalls`, `workdir` and `frames` the parts from our side to the far side.
`canaries` try to break out; `choose` gives a sandbox that answers `unavailable` unless every
canary was held.
"""
