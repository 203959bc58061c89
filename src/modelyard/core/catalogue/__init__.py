"""Workspaces, models, their versions and configurations, and tags."""
