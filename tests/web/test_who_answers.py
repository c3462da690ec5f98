"""Who answers a number: each hop in each of its states, and the first thing that is wrong."""
