"""A store of ordered tables on disk, by libmdbx, and the state that blocks read from it."""
