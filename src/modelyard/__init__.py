"""Modelyard: a trained model goes in; a governed, logged, monitored production endpoint comes out."""

__version__ = "0.1.0"
