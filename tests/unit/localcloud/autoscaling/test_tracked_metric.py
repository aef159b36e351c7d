from localcloud.aws.autoscaling.tracked_metric import with_quiet_minutes

OURS = {"CustomizedMetricSpecification": {}}
INVOCATIONS = {"PredefinedMetricSpecification": {}}


def test_minutes_without_traffic_are_zeros_from_the_policy_on() -> None:
    filled = with_quiet_minutes(INVOCATIONS, {6060: 5.0}, since=5990.0, end=6180)
    assert filled == {6000: 0.0, 6060: 5.0, 6120: 0.0}


def test_they_reach_back_as_far_as_the_low_alarm_looks() -> None:
    assert len(with_quiet_minutes(INVOCATIONS, {}, since=0.0, end=60_000)) == 15


def test_a_metric_of_ones_own_has_no_zeros() -> None:
    assert with_quiet_minutes(OURS, {}, since=0.0, end=60_000) == {}
