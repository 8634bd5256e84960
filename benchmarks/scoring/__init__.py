"""Whether an answer is right, by rule or judge; knows no runner and no trainer."""
