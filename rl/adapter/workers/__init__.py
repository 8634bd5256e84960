"""Graph workers: Ray actors that run the graph against the engines; they know no update."""
