"""What several pages use: cached loaders, settings, charts, jobs."""
