"""Generated blocks of the documentation, one kind per file; `render(argument)` returns Markdown."""
