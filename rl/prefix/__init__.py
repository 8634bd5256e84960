"""Shared prefixes: rows as one tree, in which each shared token is computed once.

    tree = PrefixTree.of([[1, 2, 3], [1, 2, 4, 5]])    # 5 nodes for 7 tokens
    install(model)
    log_probs, output = of_batch(model, sequences, chosen, attended)

The rows of a group of runs begin alike: rules, tool cards, question, earlier turns. Layers that
look at one token at a time see every node once; attention shows each row its own path only. What
comes out is what padded rows give, up to rounding. Needs torch and transformers alone.
"""
