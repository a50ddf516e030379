"""CT volumes and label maps: geometry, reading, writing, orientation, resampling; the one label table."""
