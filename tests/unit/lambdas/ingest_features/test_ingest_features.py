"""ingest_features against the local cloud: real feature groups, online and offline."""

import io
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from comal import s3_layout
from comal.events import BatchValidated
from comal.feature_group import EVENT_TIME, KNOWN_AT
from comal.offline_store import data_uri, read_records
from comal.table_items import to_item
from lambdas.ingest_features import logic
from lambdas.ingest_features.feature_store import is_made
from lambdas.ingest_features.handler import handle
from tests.running_cloud import REPOSITORY
from tests.unit.comal.registry_samples import make_recipe
from tests.unit.lambdas.lambda_stack import Context, LambdaStack, sqs_event, wait_for

START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
GROUPS = {
    "pace": {
        "entity": "store",
        "windows": {
            "orders_1h": {"function": "count", "over": "1h"},
            "minutes_6h": {"function": "mean", "column": "minutes", "over": "6h"},
        },
    }
}
STORE = {"type": "category", "values": ["centro", "norte"]}
OF_2H = {"pace": {**GROUPS["pace"], "windows": {"orders_1h": {"function": "count", "over": "2h"}}}}
TIMELY = {**GROUPS["pace"], "delay": "30m"}

Row = tuple[str, str, float, float | None]


class PatientContext(Context):
    """Lambda's context, with time for more than a batch."""

    left_ms = 300_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def stack(lambda_stack: LambdaStack) -> Iterator[LambdaStack]:
    """A recipe with a feature group, and the group."""
    lambda_stack.feature_groups = []  # type: ignore[attr-defined]
    deploy(lambda_stack, GROUPS)
    yield lambda_stack
    for name in lambda_stack.feature_groups:  # type: ignore[attr-defined]
        lambda_stack.sagemaker.delete_feature_group(FeatureGroupName=name)


def deploy(stack: LambdaStack, groups: dict[str, Any], *only: str) -> None:
    """What `up` does for a recipe with feature groups; with `only`, up to where those are made."""
    recipe = make_recipe(
        entity="order_id",
        event_time={"column": "ordered_at"},
        features={"distance_km": {"type": "number"}, "store": STORE},
        feature_groups=groups,
    )
    stack.deploy(recipe)
    make_groups(stack, *(only or groups))


def make_groups(stack: LambdaStack, *groups: str) -> None:
    """Feature groups of the deployed recipe."""
    recipe = stack.recipe
    for name in groups:
        group = recipe.feature_groups[name]
        full_name = stack.names.feature_group(recipe.model, name, recipe.feature_definition)
        types = {group.entity: "String"} | dict.fromkeys((KNOWN_AT, EVENT_TIME, *group.windows), "Fractional")
        stack.sagemaker.create_feature_group(
            FeatureGroupName=full_name,
            RecordIdentifierFeatureName=group.entity,
            EventTimeFeatureName=KNOWN_AT,
            FeatureDefinitions=[{"FeatureName": one, "FeatureType": kind} for one, kind in types.items()],
            OnlineStoreConfig={"EnableOnlineStore": True},
            OfflineStoreConfig={
                "S3StorageConfig": {"S3Uri": f"s3://{stack.names.bucket('lake')}/feature-store"},
                "DisableGlueTableCreation": True,
            },
            RoleArn=stack.role_arn,
        )
        stack.feature_groups.append(full_name)  # type: ignore[attr-defined]
        wait_for(lambda name=full_name: is_made(stack.sagemaker, name), full_name)


def group_name(stack: LambdaStack) -> str:
    return stack.names.feature_group(stack.model, "pace", stack.recipe.feature_definition)


def push(stack: LambdaStack, batch_id: str, rows: list[Row], came_after_h: float = 48) -> dict[str, Any]:
    """What validation leaves of a file, and its message; rows are order, store, hours after START, minutes."""
    received = START + timedelta(hours=came_after_h)
    key = s3_layout.validated_key(stack.model, f"{received:%Y-%m-%d}", batch_id)
    table = pa.table(
        {
            "order_id": [order for order, *_ in rows],
            "ordered_at": pa.array([START + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "distance_km": [1.0] * len(rows),
            "store": pa.array([row[1] for row in rows], pa.string()),
            "minutes": pa.array([row[3] for row in rows], pa.float64()),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    stack.s3.put_object(Bucket=stack.names.bucket("lake"), Key=key, Body=sink.getvalue())
    row = {
        "pk": stack.model,
        "sk": f"batch#{batch_id}",
        "batch_id": batch_id,
        "status": "validated",
        "validated_key": key,
        "received_at": received.isoformat(),
        "rows": len(rows),
    }
    stack.dynamodb.put_item(TableName=stack.names.shared("batches"), Item=to_item(row))
    event = BatchValidated(
        event_id=uuid.uuid4().hex[:16],
        stack=stack.names.stack,
        model=stack.model,
        batch_id=batch_id,
        source_key="incoming/x.csv",
        rows=len(rows),
        validated_key=key,
        profile_key="profiles/x.json",
        report_key="reports/x.json",
    )
    detail = event.model_dump(mode="json")
    return {"detail-type": "BatchValidated", "source": "comal", "time": received.isoformat(), "detail": detail}


def made(stack: LambdaStack, group: str = "pace") -> dict[str, Any]:
    """The message that a feature group of the deployed recipe was made."""
    path = REPOSITORY / "tests/events/aws_sagemaker_feature_group_state_change.json"
    envelope: dict[str, Any] = json.loads(path.read_text())
    name = stack.names.feature_group(stack.model, group, stack.recipe.feature_definition)
    envelope["detail"]["FeatureGroupName"] = name
    return envelope


def ingest(*envelopes: dict[str, Any], left_ms: int = 300_000) -> None:
    context = PatientContext()
    context.left_ms = left_ms
    handle(sqs_event(*envelopes), context)


def online(stack: LambdaStack, store: str) -> dict[str, float]:
    answer = stack.feature_runtime.get_record(FeatureGroupName=group_name(stack), RecordIdentifierValueAsString=store)
    values = {one["FeatureName"]: one["ValueAsString"] for one in answer.get("Record", [])}
    return {name: float(values[name]) for name in ("orders_1h", "minutes_6h") if name in values}


def offline(stack: LambdaStack) -> list[dict[str, Any]]:
    uri = data_uri(stack.sagemaker, group_name(stack))
    return list(read_records(stack.s3, uri, stack.recipe.feature_groups["pace"]).to_pylist())


def enriched(stack: LambdaStack, batch_id: str) -> pa.Table:
    item = stack.dynamodb.get_item(
        TableName=stack.names.shared("batches"), Key=to_item({"pk": stack.model, "sk": f"batch#{batch_id}"})
    )["Item"]
    key = item["features_key"]["S"]
    content = stack.s3.get_object(Bucket=stack.names.bucket("lake"), Key=key)["Body"].read()
    return pq.read_table(io.BytesIO(content))


FIRST: list[Row] = [("a", "centro", 0.0, 10.0), ("b", "centro", 0.5, 20.0), ("c", "norte", 0.25, 7.0)]


def test_a_batch_is_online_offline_and_beside_its_rows(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", FIRST))
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}
    assert online(stack, "norte") == {"orders_1h": 1.0, "minutes_6h": 7.0}
    assert online(stack, "sur") == {}
    records = offline(stack)
    assert [
        (one["store"], one["orders_1h"], one["minutes_6h"])
        for one in sorted(records, key=lambda one: one["event_time"])
    ] == [
        ("centro", 1.0, 10.0),
        ("norte", 1.0, 7.0),
        ("centro", 2.0, 15.0),
    ]
    assert {one["known_at"] for one in records} == {START + timedelta(hours=48)}
    table = enriched(stack, "b1")
    assert table.column_names == [
        "order_id",
        "ordered_at",
        "distance_km",
        "store",
        "minutes",
        "orders_1h",
        "minutes_6h",
    ]
    assert table["orders_1h"].null_count == 3, "nothing of the file was known when its rows happened"
    told = stack.events(lambda heard: len(heard) >= 1)[0]["detail"]
    assert (told["batch_id"], told["rows"]) == ("b1", 3)


def test_a_later_batch_sees_what_the_earlier_brought(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", FIRST, came_after_h=1))
    ingest(push(stack, "b2", [("d", "centro", 0.9, 1.0), ("e", "centro", 2.0, 30.0), ("f", "norte", 3.0, None)], 4))
    assert enriched(stack, "b2")["minutes_6h"].to_pylist() == [None, 15.0, 7.0]
    assert online(stack, "centro") == {"orders_1h": 1.0, "minutes_6h": pytest.approx(61 / 4)}


def test_with_a_delay_a_history_reads_as_if_it_had_come_in_time(stack: LambdaStack) -> None:
    deploy(stack, {"pace": TIMELY})
    rows: list[Row] = [*FIRST, ("d", "centro", 0.6, 1.0), ("e", "centro", 2.0, 30.0)]
    ingest(push(stack, "b1", rows))
    assert enriched(stack, "b1")["minutes_6h"].to_pylist() == [None, None, None, 10.0, pytest.approx(31 / 3)]


def test_the_same_message_again_and_again_changes_nothing(stack: LambdaStack) -> None:
    message = push(stack, "b1", FIRST)
    ingest(message, message)
    before = offline(stack)
    ingest(message)
    assert offline(stack) == before
    assert len(before) == 3
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}


def test_late_and_corrected_rows_end_where_all_of_them_at_once_would(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", [("b", "centro", 5.0, 20.0)]))
    ingest(push(stack, "b2", [("a", "centro", 4.5, 10.0)]))
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}, "a late row counts in later windows"
    ingest(push(stack, "b3", [("b", "centro", 5.0, 40.0)]))
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 25.0}, "a correction replaces its row"
    ingest(push(stack, "b4", [("z", "centro", 0.0, 1.0)]))
    assert online(stack, "centro")["orders_1h"] == 2.0, "what is older than the newest row is not put online"


def test_batches_that_nobody_told_of_are_ingested_first(stack: LambdaStack) -> None:
    """Such as those that came before the recipe had feature groups."""
    push(stack, "b1", FIRST, came_after_h=1)
    ingest(push(stack, "b2", [("e", "centro", 2.0, 30.0)], came_after_h=3))
    assert enriched(stack, "b2")["minutes_6h"].to_pylist() == [15.0]
    assert enriched(stack, "b1").num_rows == 3


def test_another_definition_is_computed_anew_from_all_batches(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", FIRST, came_after_h=1))
    deploy(stack, OF_2H)
    ingest(push(stack, "b2", [("e", "centro", 2.0, 30.0)], came_after_h=3))
    assert enriched(stack, "b1").column_names[-1] == "orders_1h"
    assert online(stack, "centro") == {"orders_1h": 2.0}


def test_a_feature_group_that_is_made_is_filled_from_all_batches_without_another_one(stack: LambdaStack) -> None:
    push(stack, "b1", FIRST, came_after_h=1)
    push(stack, "b2", [("e", "centro", 2.0, 30.0)], came_after_h=3)
    ingest(made(stack))
    assert enriched(stack, "b2")["minutes_6h"].to_pylist() == [15.0]
    assert online(stack, "centro") == {"orders_1h": 1.0, "minutes_6h": 20.0}
    told = stack.events(lambda heard: len(heard) >= 2)
    assert [(one["detail-type"], one["detail"]["batch_id"]) for one in told] == [
        ("FeaturesIngested", "b1"),
        ("FeaturesIngested", "b2"),
    ]
    before = offline(stack)
    ingest(made(stack), made(stack))
    assert offline(stack) == before, "that it was made may be told twice"


def test_a_window_that_is_again_what_it_was_is_computed_into_the_new_group(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", FIRST, came_after_h=1))
    former = group_name(stack)
    deploy(stack, OF_2H)
    ingest(made(stack))
    assert enriched(stack, "b1").column_names[-1] == "orders_1h"
    stack.sagemaker.delete_feature_group(FeatureGroupName=former)
    stack.feature_groups.remove(former)  # type: ignore[attr-defined]
    wait_for(lambda: not is_made(stack.sagemaker, former), "the end of the former group")
    time.sleep(1)  # the place of a group names the second in which it was made
    deploy(stack, GROUPS)
    assert online(stack, "centro") == {}
    ingest(made(stack))
    assert enriched(stack, "b1").column_names[-1] == "minutes_6h"
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}


def test_of_several_groups_the_last_that_is_made_sets_it_off(stack: LambdaStack) -> None:
    push(stack, "b1", FIRST)
    orders = {"entity": "order_id", "windows": {"of_order": {"function": "count", "over": "1h"}}}
    deploy(stack, {**GROUPS, "orders": orders}, "pace")
    ingest(made(stack))
    assert online(stack, "centro") == {}
    make_groups(stack, "orders")
    ingest(made(stack, "orders"))
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}
    assert enriched(stack, "b1").column_names[-1] == "of_order"


def test_groups_of_another_stack_model_or_definition_are_passed_over(stack: LambdaStack) -> None:
    push(stack, "b1", FIRST)
    message = made(stack)
    name = message["detail"]["FeatureGroupName"]
    for other in (f"other-{name}", name.replace(stack.model, f"{stack.model}-gpu"), name[:-8] + "00000000"):
        message["detail"]["FeatureGroupName"] = other
        ingest(message)
    assert online(stack, "centro") == {}


@pytest.mark.parametrize("step", ["write_offline", "put_online", "write_with_windows", "note_features", "set_done"])
def test_a_function_that_dies_is_finished_by_the_next(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ingest(push(stack, "b1", FIRST, came_after_h=1))
    message = push(stack, "b2", [("e", "centro", 2.0, 30.0)], came_after_h=3)
    owner = next(one for one in (logic.FeatureStore, logic.Batches, logic.IngestionLog) if hasattr(one, step))
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, _dies)
        with pytest.raises(BatchProcessingError):
            ingest(message)
    ingest(push(stack, "b3", [("g", "centro", 2.5, 60.0)], came_after_h=5))
    assert enriched(stack, "b2")["minutes_6h"].to_pylist() == [15.0]
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 30.0}
    assert len(offline(stack)) == 5


def test_a_history_that_a_function_did_not_get_through_is_gone_on_with(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(stack, {"pace": TIMELY})  # known by its hours, a file each
    message = push(stack, "b1", [(f"o{hour}", "centro", float(hour), 10.0) for hour in range(12)])
    put, written = logic.FeatureStore._put_file, []

    def put_file(store: logic.FeatureStore, key: str, table: pa.Table) -> None:
        if len(written) == 7:
            raise RuntimeError("killed")
        written.append(key)
        put(store, key, table)

    with monkeypatch.context() as patched:
        patched.setattr(logic.FeatureStore, "_put_file", put_file)
        with pytest.raises(BatchProcessingError):
            ingest(message)
        first = set(written)
        written.clear()
        patched.setattr(
            logic.FeatureStore, "_put_file", lambda store, key, table: (written.append(key), put(store, key, table))
        )
        ingest(message)
    assert len(first) == 7
    assert len(written) == 5
    assert not first & set(written)
    assert len(offline(stack)) == 12


def _dies(*_arguments: Any, **_named: Any) -> None:
    raise RuntimeError("killed")


def test_without_time_the_message_comes_again(stack: LambdaStack) -> None:
    with pytest.raises(BatchProcessingError):
        ingest(push(stack, "b1", FIRST), left_ms=1000)
    assert online(stack, "centro") == {}


def test_rows_without_entity_key_or_time_are_kept_and_have_no_features(stack: LambdaStack) -> None:
    ingest(push(stack, "b1", FIRST, came_after_h=1))
    ingest(push(stack, "b2", [("e", None, 2.0, 30.0), (None, "norte", 2.0, 3.0)], came_after_h=3))  # type: ignore[list-item]
    assert enriched(stack, "b2")["minutes_6h"].to_pylist() == [None, 7.0]
    assert online(stack, "norte") == {"orders_1h": 1.0, "minutes_6h": 7.0}


@pytest.mark.parametrize("never", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
def test_a_row_of_a_time_that_cannot_be_stops_nothing_and_is_in_no_window(
    stack: LambdaStack, never: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    hours = (never - START) / timedelta(hours=1)
    ingest(push(stack, "b1", [("a", "centro", 0.0, 10.0), ("b", "centro", hours, 99.0)]))
    assert "1 of 2 rows of batch b1 are in no window" in caplog.text
    ingest(push(stack, "b2", [("c", "centro", 0.5, 20.0)], came_after_h=49))
    assert online(stack, "centro") == {"orders_1h": 2.0, "minutes_6h": 15.0}


def test_a_model_without_feature_groups_is_none_of_its_business(stack: LambdaStack) -> None:
    message = push(stack, "b1", FIRST)
    stack.deploy(make_recipe())
    ingest(message)
    listed = stack.s3.list_objects_v2(Bucket=stack.names.bucket("lake"), Prefix="features/")
    assert listed["KeyCount"] == 0
