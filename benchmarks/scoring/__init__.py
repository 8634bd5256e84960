"""Whether an answer is right, by rule or by a judge; knows no item, runner or trainer."""
