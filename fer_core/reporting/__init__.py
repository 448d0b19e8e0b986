"""Reports to take away: one HTML file that holds all it shows and asks no network for anything."""
