"""The stages, in the order in which frames pass through them."""
