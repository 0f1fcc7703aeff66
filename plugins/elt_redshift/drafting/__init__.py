"""A job from a folder of SQL files: what their SQL says of tables, of order, and of parameters."""
