"""A report as a page: the templates, and what fills them in; knows no run."""
