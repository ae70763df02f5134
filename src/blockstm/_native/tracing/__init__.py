"""What transactions did inside, made of what was recorded of them."""
