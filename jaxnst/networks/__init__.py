"""What is trained: feed-forward networks, and the files that hold them."""
