"""The update: rows, actor, experience and policy as OpenRLHF calls them; knows no graph worker."""
