"""The pieces that pages are built from: blocks, charts, tables, words, addresses."""
