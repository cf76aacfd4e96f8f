"""What a conflict is, and the forms in which it is told: verdict, event, ledger row, fold."""
