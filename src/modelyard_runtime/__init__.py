"""What runs inside a model's own process, with the packages of the model's own environment.

It imports the standard library, numpy and pyarrow; the libraries of a framework only in that framework's loader. It
runs models that nobody vouches for: whatever it says to the server is taken as the model's word.
"""
