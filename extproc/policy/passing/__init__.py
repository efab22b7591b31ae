"""What passes through untranslated: who may pass, where it goes, what goes with it."""
