r"""Where code written by a model runs, proved by canaries or not at all; knows no tool.

    sandbox = choose.get_sandbox("auto")
    execution = await sandbox.run("print(6 * 7)", Limits())      # execution.stdout == "42\n"

`protocol` says what a sandbox is. `bubblewrap` and `landlock` are the backends, `unsafe` the one
without walls; `warm` and `launch` are what they share. `client` is our side of the pipe, `inside`
the far side. `canaries` try to break out; `choose` gives a sandbox that answers `unavailable`
unless every canary was held.
"""
