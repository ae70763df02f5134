"""Models that others published, quantised, compiled, deployed and called; see main.py."""
