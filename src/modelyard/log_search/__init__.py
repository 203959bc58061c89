"""Searching inference logs with DuckDB: see ``core.monitoring.log_search`` for the contract.

A question is answered by a process of its own kind (``child``), which holds a database in memory that can open the
files of the question and nothing else: external access is off, its configuration locked, and a statement of a user may
name only the views that were made for it. What is found comes back piece by piece over a pipe, so that an export of any
size needs the memory of a few pieces.
"""
