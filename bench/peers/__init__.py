"""The dialer's request in other frameworks, written as their documentation does it, on the same tables.

Each checks the token's signature and its row, finds the default number, and returns the same JSON.
`PEER` in the environment is JSON: the path, the URL of the database and the key of tokens, or for
`bare_flask` the response.
"""
