"""The audit log: who did what, when, from where, and how it ended. Append-only, each entry chained to the one before.

``record`` is called by use-cases, in the transaction of the change it tells of. What changes nothing (refusals, reads)
goes through ``BoundedRecorder`` in a write of its own.
"""
