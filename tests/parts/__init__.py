"""The real parts that tests run against: servers and programs that fixtures start, watch and end."""
