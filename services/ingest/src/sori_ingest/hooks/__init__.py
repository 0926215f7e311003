"""The HTTP and SMTP edge of ingest: proves who sends, bounds what comes, translates, calls one use case, answers."""
