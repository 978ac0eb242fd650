"""draft"""


def convolve(x, kernels):
    raise NotImplementedError
