"""Pure measures on masks: overlap, surface distance, boxes, components, morphology."""
