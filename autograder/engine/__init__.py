"""The trusted process that holds torch, the reference and the hidden tests, and what pytest needs to run them."""
