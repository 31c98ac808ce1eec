"""The composition root, the HTTP door and the infrastructure."""
