"""Rollouts: a new revision of a deployment is on trial for a while; what was served before comes back if it fails."""
