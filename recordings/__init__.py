"""What the programs printed and wrote, and what is documented of it."""
