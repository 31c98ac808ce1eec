"""From a committed entry to every socket."""
