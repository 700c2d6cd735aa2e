"""What people ask for, one file or folder a command. The command line joins them."""
