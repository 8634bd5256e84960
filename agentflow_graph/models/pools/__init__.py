"""Several servers of one model: which one a call goes to, and which are set aside."""
