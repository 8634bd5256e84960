"""Questions from files, the hub or the almanac; knows no graph, no run of it and no reward."""
