"""Makes uploads ready to be served, stage by stage. It looks at files, and lets only sandboxed processes load them."""
