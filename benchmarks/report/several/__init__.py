"""What several runs say together: budgets of turns, and the tables of a paper."""
