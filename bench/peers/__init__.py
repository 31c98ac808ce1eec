"""The servers that Rollcall's fan-out is measured beside, each in a folder of its own."""
