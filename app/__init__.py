"""The Streamlit app: point at an object, check its mask, remove it, compare. The page is thin, its steps functions."""
