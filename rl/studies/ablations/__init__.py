"""The ablations on the almanac: arms, the runs of them, what they found, the report."""
