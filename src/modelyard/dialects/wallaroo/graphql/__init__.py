"""``POST /v1/graphql``: the part of the Hasura-shaped schema that the Wallaroo SDK validates against and calls.

Schema first: ``schema.graphql`` is the contract. Every row a resolver returns was read by the core under the caller's
access, so a thing one may not see is absent here as in any other dialect. There are no generic writes.
"""
