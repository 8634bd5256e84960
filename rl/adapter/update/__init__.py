"""The update: actor, experience and policy as OpenRLHF calls them."""
