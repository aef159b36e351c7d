"""Carries out what an alarm's change of state asks for: the event always, and its actions on topics and functions."""

import json
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.cloudwatch import announcements
from localcloud.aws.cloudwatch.store import Document, Named

logger = logging.getLogger("localcloud.cloudwatch")

# source, detail type, detail, resources, account, region
PutEvent = Callable[[str, str, Document, list[str], str, str], None]
# A boto3 client of a service in a region, as root.
MakeClient = Callable[[str, str], Any]


class Actions:
    """Tells the rest of the cloud."""

    def __init__(self, put_event: PutEvent, client: MakeClient) -> None:
        self._put_event = put_event
        self._client = client

    def announce(self, named: Named, previous: Document) -> list[Document]:
        """Puts the event and carries out the actions of the new state.

        Args:
            named: The alarm in its new state.
            previous: The state before, by `announcements.state_of`.

        Returns:
            A history item's summary and data for each action.
        """
        alarm = named.document
        detail = announcements.event_detail(alarm, previous)
        arn = alarm["AlarmArn"]
        self._put_event("aws.cloudwatch", announcements.DETAIL_TYPE, detail, [arn], named.account, named.region)
        if not alarm["ActionsEnabled"]:
            return []
        actions = alarm.get(announcements.ACTION_FIELDS[alarm["StateValue"]], [])
        return [self._carry_out(action, named, previous) for action in actions]

    def _carry_out(self, action: str, named: Named, previous: Document) -> Document:
        service = action.split(":")[2]
        try:
            if service == "sns":
                self._client("sns", named.region).publish(
                    TopicArn=action,
                    Subject=announcements.subject(named),
                    Message=json.dumps(announcements.sns_message(named, previous)),
                )
            elif service == "lambda":
                self._client("lambda", named.region).invoke(
                    FunctionName=action,
                    InvocationType="Event",
                    Payload=json.dumps(announcements.function_payload(named, previous)).encode(),
                )
            else:
                return _item(f"Action {action} is not carried out on this machine", action, "Failed")
        except (ClientError, BotoCoreError) as error:
            logger.warning("alarm %s: action %s: %s", named.name, action, error)
            return _item(f"Failed to execute action {action}. Received error: {error}", action, "Failed")
        return _item(f"Successfully executed action {action}", action, "Succeeded")


def _item(summary: str, action: str, state: str) -> Document:
    return {
        "HistorySummary": summary,
        "HistoryData": json.dumps({"actionState": state, "notificationResource": action}),
    }
