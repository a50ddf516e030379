"""What a project knows, in SQL: cases, ledger, rounds, scores, tasks, revisions, networks, releases."""
