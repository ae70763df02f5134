"""``blockstm bench``: one command for each kind of benchmark."""
