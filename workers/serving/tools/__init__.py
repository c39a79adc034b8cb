"""What a model may call: tools in its prompt, calls forced by a grammar, calls found in what it says."""
