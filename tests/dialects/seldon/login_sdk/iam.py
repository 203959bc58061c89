"""Users, groups and policies, as their administrators keep them."""
