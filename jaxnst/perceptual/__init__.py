"""What the loss is: VGG with its weights, style statistics, content and style losses."""
