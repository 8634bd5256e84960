"""All that is looked at before the first item of a run costs anything."""
