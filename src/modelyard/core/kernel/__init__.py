"""What every room of the core shares: errors, the actor, identifiers, names, and the store's port."""
