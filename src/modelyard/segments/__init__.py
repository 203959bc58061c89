"""The inference log on append-only files: see ``core.monitoring.inference_log`` for the contract.

A segment belongs to one process and one pipeline, and is never written again by another. It is a sequence of frames:
``u32 length, u32 crc32, payload``; zeros follow the last one. A payload is a schema (what the following rows look like)
or rows: their time and the columns' plain buffers one after another, so that appending one row makes no object but the
bytes themselves. Where a request has an id, a target or a routing, a note of it stands before its rows.

The writer has the file mapped and its space reserved: an append is a copy into the system's page cache. It needs no
system call, is seen by every process at once, and survives the death of the process, not that of the machine.
"""
