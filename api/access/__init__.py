"""Who may do what: tokens, sessions of browsers, requests from elsewhere, headers of answers."""
