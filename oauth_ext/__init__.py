"""The OAuth 2.1 authorization server: clients, consent, connections, tokens, verification.

The only package that imports ``oauth2_provider``, ``oauthlib`` or ``jwt``.
"""
