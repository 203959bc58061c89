"""The SQL store: one adapter of ``core.kernel.store``, two engines (SQLite and PostgreSQL), and its migrations."""
