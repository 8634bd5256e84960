"""Where each run stands in a folder's files, kept in SQLite and brought up to date as they grow."""
