"""Reading and writing: the only files that import av or decord."""
