"""Video files: decoding, analysis and the annotated copy."""
