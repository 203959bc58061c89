"""The classes that Wallaroo's public examples of custom models are written against, so that these run unchanged.

On the path only in the processes of models that bring their own code.
"""
