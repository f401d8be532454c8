"""Who may do what: tokens, sessions of browsers, scopes of handlers, requests from elsewhere."""
