"""The ablations on the almanac: arms, their commands, findings and report; trains nothing."""
