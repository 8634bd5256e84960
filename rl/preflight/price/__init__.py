"""What a step costs, by the configuration and by a few calls; it checks nothing."""
