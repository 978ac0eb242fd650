"""Small numerics without a home in a paper: color, resampling, fast convolution, image quality."""
