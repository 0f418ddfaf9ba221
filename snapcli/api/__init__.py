"""What an operation is: requests, responses, errors, the catalogue, dispatch. Knows no resource."""
