"""What is known of providers: addresses, keys, names of parameters, refusals; asks nobody."""
