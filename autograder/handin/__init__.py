"""The throw-away reading process: files to cells, cells to programs, programs to findings. No torch, nothing is run."""
