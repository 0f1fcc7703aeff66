"""The pure model of an ELT job: what users write, read and checked before anything touches AWS."""
