"""Recipes, one file a method: what the backbone is fine-tuned on, and what the classifier sees."""
