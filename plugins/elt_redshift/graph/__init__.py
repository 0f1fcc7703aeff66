"""Graph algorithms: the order of tasks, how they nest, and lanes."""
