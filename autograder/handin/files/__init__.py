"""What is handed in, read as plain data: folders, zips, notebooks, scripts, answers, histories."""
