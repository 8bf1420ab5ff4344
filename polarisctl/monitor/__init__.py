"""The live screen of `polarisctl monitor`.

Pure middle: `scene` (what is known), `keys` (what a key changes), `history`
(what was measured), `layout` (what is drawn).  Thin edges: `link` (the socket),
`screen` (the only importer of curses) and `loop`, which waits for both.
"""
