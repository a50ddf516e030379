"""What a person may do with a prediction: see it, revise it, accept it."""
