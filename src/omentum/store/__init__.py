"""What a project knows, in SQL: cases, ledger, rounds, scores, tasks, audits, revisions and the rest."""
