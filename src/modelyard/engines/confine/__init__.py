"""The program that gives up its rights and then becomes another: see ``__main__``. The standard library alone."""
