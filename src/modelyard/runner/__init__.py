"""A process that runs jobs, one after another, until there are none: what it infers, it asks the server for."""
