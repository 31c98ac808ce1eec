"""The commands of `python -m app`, one subject each."""
