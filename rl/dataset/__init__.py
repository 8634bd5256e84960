"""The paper's training set, and a look at any file of questions."""
