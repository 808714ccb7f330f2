"""One module per dashboard: what is asked, how it is called, what it says."""
