"""What a model is told about itself."""
