"""Commands that are no operation of the service: making, setting up and looking at a workspace."""
