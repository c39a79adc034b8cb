"""OpenLoRA measured: many adapters in one batch beside the base alone and beside `peft`."""
