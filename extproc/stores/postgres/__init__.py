"""The Postgres forms of the stores: keys, ledger, replicas, notifications and migrations."""
