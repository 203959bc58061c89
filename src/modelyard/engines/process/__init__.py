"""Models that run in processes of their own: how workers ask them, and who keeps them running."""
