"""The chi-square distribution, without scipy: a Lambda function has numpy only."""

import math


def survival(statistic: float, degrees: int) -> float:
    """P(X >= statistic) of a chi-square variable: the regularised upper incomplete gamma Q(degrees/2, statistic/2).

    For whole degrees it is a finite sum of positive terms, so its relative error stays near 1e-13 far into the tail
    (https://dlmf.nist.gov/8.4#E10 and https://dlmf.nist.gov/8.8#E2).

    Args:
        statistic: At least 0.
        degrees: Degrees of freedom, at least 1.
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    odd = degrees % 2
    # Q(1/2, h) = erfc(√h) and Q(1, h) = e^-h; each step up adds h^a e^-h / Γ(a + 1).
    total = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    for step in range((degrees - 1) // 2):
        order = step + (0.5 if odd else 1.0)
        total += math.exp(order * math.log(half) - half - math.lgamma(order + 1))
    return min(total, 1.0)


def critical(p_value: float, degrees: int) -> float:
    """The statistic whose survival is `p_value` (between 0 and 1), to 12 digits."""
    low, high = 0.0, float(degrees)
    while survival(high, degrees) > p_value:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if survival(middle, degrees) > p_value:
            low = middle
        else:
            high = middle
    return high
