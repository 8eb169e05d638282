"""What goes wrong with tables and files. Apart from them: to know an error takes no pandas."""


class TableError(Exception):
    """A table can't be read; the message is one line that says what and where."""


class NotWritten(TableError):
    """A file can't be written; the message is one line that says which and why."""
