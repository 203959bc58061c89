"""The inference log's archive: what segments held, as Parquet files that stay searchable at tens of millions of rows.

A file lies at ``pipeline=<id>/stream=<requests|shadow>/day=YYYY-MM-DD/`` below ``<data>/archive``, is called
``<partition>-<first>-<end>-<digest>.parquet``, or ``merged-<rows>-<digest>.parquet`` when it was made of several, and
counts from the moment that the table ``log_files`` names it. One file holds rows of one pipeline, stream, day (UTC) and
schema, sorted by time, partition and row. Its columns:

- ``time``: timestamp in ms, UTC; never earlier than that of the partition's row before.
- ``in.…``, ``out.…``, ``out_<node>.…``, ``anomaly.<check>``: numbers and booleans as they were; a value with a shape as
  a fixed-size list of all its elements, the shape in the field's metadata; everything else as JSON text, the field's
  metadata saying ``modelyard.dtype`` = ``json``. ``anomaly.count`` is how many checks failed.
- ``metadata.partition``, ``metadata.row``: where the row lay, as in the cursors of ``LogReader``; ``metadata.first`` is
  the first row of the same request.
- ``metadata.request_id`` (``<partition>:<first>`` where none was given), ``metadata.target``, ``metadata.routing``
  (JSON: what each branch chose for this row, or null), ``metadata.by_row`` (JSON: the branches that chose row by row,
  or null), ``metadata.last_model``, ``metadata.pipeline_version``, ``metadata.elapsed`` (list of nanoseconds).
"""
