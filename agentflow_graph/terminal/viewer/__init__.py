"""A page that shows a record, a training or a benchmark; it reads plain fields and runs nothing.

    python -m agentflow_graph view runs/asked

`index` knows where each run stands in the files, `pages` makes plain data of what is asked for,
`static` is the page, and the server lets in only whoever holds the token.
"""
