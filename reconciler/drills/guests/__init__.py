"""The guests drill: clients that do not know this library write beside it, and keep their own."""
