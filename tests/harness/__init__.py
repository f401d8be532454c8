"""What tests run on: servers, workers, services, browsers, small specs and results."""
