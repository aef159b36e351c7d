"""What a message from the queue asks for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comal.events import BatchValidated, FeaturesIngested, TrainingRequested, Trigger, event_id, parse
from comal.execution_failure import execution_failure
from comal.names import Names
from lambdas.request_training.run import EndedRun, PendingTrigger

EXECUTION_STATUS = "Step Functions Execution Status Change"
ALARM_STATE = "CloudWatch Alarm State Change"
SCHEDULE = "Schedule"
TIMER = "Timer"
_ENDS = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class AlarmChange:
    """An alarm went off, or came to rest; `event_id` is EventBridge's."""

    name: str
    is_off: bool
    reason: str
    event_id: str


@dataclass(frozen=True)
class Message:
    """One EventBridge envelope, read.

    Attributes:
        time: When it happened.
        model: Model it is about; None for all models of the stack.
        trigger: A reason to train, if it brings one.
        ended: A run that has ended, if it says so.
        alarm: An alarm that concerns every model whose recipe names it.
    """

    time: datetime
    model: str | None
    trigger: PendingTrigger | None = None
    ended: EndedRun | None = None
    alarm: AlarmChange | None = None

    @property
    def pending(self) -> PendingTrigger | None:
        """The reason to train that it brings, be it an alarm that went off."""
        alarm = self.alarm
        if alarm is None or not alarm.is_off:
            return self.trigger
        trigger = Trigger(event_id=alarm.event_id, kind="alarm", reason=f"{alarm.name}: {alarm.reason}")
        return PendingTrigger(trigger, self.time, alarm=alarm.name)


def read_message(names: Names, envelope: dict[str, Any]) -> Message | None:
    """What an envelope asks for; None when it is another stack's.

    Raises:
        KeyError: The detail type is none that this function knows.
        pydantic.ValidationError: The detail does not fit its schema.
    """
    time = datetime.fromisoformat(envelope["time"])
    if envelope["detail-type"] == TIMER:
        return Message(time, model=None)
    if envelope["detail-type"] == EXECUTION_STATUS:
        return _read_status(names, time, envelope["detail"])
    if envelope["detail-type"] == ALARM_STATE:
        # The envelope's time has seconds only, and an alarm may flap within one.
        changed_at = datetime.fromisoformat(envelope["detail"]["state"]["timestamp"])
        return Message(changed_at, model=None, alarm=_read_alarm(envelope))
    if envelope["detail-type"] == SCHEDULE:
        reason = f"scheduled for {envelope['time']}"
        identity = event_id(envelope["model"], "schedule", envelope["time"])
        trigger = Trigger(event_id=identity, kind="schedule", reason=reason)
        return Message(time, envelope["model"], trigger=PendingTrigger(trigger, time))
    event = parse(envelope)
    if event.stack != names.stack:
        return None
    return Message(time, event.model, trigger=_trigger(event, time))


def _read_status(names: Names, time: datetime, detail: dict[str, Any]) -> Message | None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html ."""
    machine = detail["stateMachineArn"].rpartition(":")[2]
    model = names.model_of(machine)
    prefix = names.training_job(model, "")
    if names.of_model(model) != machine or not detail["name"].startswith(prefix):
        return None
    ended = None
    if detail["status"] in _ENDS:
        ended = EndedRun(detail["name"].removeprefix(prefix), detail["status"], execution_failure(detail))
    return Message(time, model, ended=ended)


def _read_alarm(envelope: dict[str, Any]) -> AlarmChange:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html ."""
    detail = envelope["detail"]
    state = detail["state"]
    return AlarmChange(detail["alarmName"], state["value"] == "ALARM", state["reason"], envelope["id"])


def _trigger(event: Any, time: datetime) -> PendingTrigger:
    match event:
        case BatchValidated() | FeaturesIngested():
            reason = f"batch {event.batch_id}"
            trigger = Trigger(event_id=event.event_id, kind="new_rows", reason=reason, rows=event.rows)
            return PendingTrigger(trigger, time, batch_id=event.batch_id)
        case TrainingRequested():
            trigger = Trigger(event_id=event.event_id, kind=event.kind, reason=event.reason)
            return PendingTrigger(trigger, time, search=event.search)
    raise KeyError(f"{type(event).__name__} is no reason to train.")
