"""Which answers a trained model gives: loading by hash and predicting."""
