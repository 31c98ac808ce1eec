"""What is said and kept, and the pure rules."""
