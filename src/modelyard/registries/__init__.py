"""Model registries outside, and how they are asked."""
