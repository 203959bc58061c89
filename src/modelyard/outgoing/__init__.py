"""Calls to addresses that users chose: bounded, and only to where the operator lets them lead."""
