"""What is known of runs: what a history says of each task, and the words for what failed."""
