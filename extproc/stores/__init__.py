"""What must outlive a process: protocols and their Postgres, Redis, disk and memory forms."""
