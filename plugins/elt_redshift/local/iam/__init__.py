"""What the roles of an embedded AWS do, held against their policies. What AWS would refuse is done, and told."""
