"""What the Model Factory's models are worth, measured."""
