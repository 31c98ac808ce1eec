"""How an action reaches its handler and its journal: registry, dispatcher, committer, consumers."""
