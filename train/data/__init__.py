"""The data sets in memory: FER-2013, the votes of FER+, and labelled archives of others."""
