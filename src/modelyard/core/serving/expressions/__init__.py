"""Expressions over the columns of a batch, in the JSON form of polars 0.18: read by a whitelist, run with numpy.

``parsing`` reads them, ``values`` are what they work on, ``operators`` and ``functions`` what they can do. Nothing of
them is ever evaluated as code, and each runs in time linear in the rows.
"""
