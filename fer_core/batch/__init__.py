"""Archives of photos and videos: read on all cores of one machine or many, into a data set."""
