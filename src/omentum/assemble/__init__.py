"""Original, revised and predicted masks, made into one data set whose every organ can be traced."""
