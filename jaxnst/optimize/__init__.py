"""Style transfer by optimizing the pixels (Gatys et al., 2016)."""
