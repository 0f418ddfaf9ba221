"""The inside of an instance. Empty until an instance runs something; may import volumes only."""
