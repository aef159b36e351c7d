"""validate_batch against real S3, DynamoDB and EventBridge of the local cloud."""

import copy
import json
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import quote_plus

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from comal import clients, events
from comal.lambda_environment import LambdaEnvironment
from comal.profile import Profile
from comal.recipe import Recipe
from comal.table_items import from_item
from lambdas.validate_batch import logic
from lambdas.validate_batch.batch_table import BatchAtWorkError
from lambdas.validate_batch.buckets import Buckets
from lambdas.validate_batch.handler import handle
from lambdas.validate_batch.upload import UNCLAIMED, read_upload
from tests.running_cloud import ACCOUNT, REGION, REPOSITORY, RunningCloud
from tests.unit.lambdas.validate_batch.landing_world import BAD, GOLDEN, GOOD, NOW_S, RECIPE, World, parquet_rows


@pytest.fixture
def world(cloud: RunningCloud) -> World:
    return World(cloud)


def test_a_good_file_ends_validated_and_leaves_the_landing_bucket(world, tmp_path):
    batch = world.validate(world.push(GOOD, "january/week 1.csv", **{"push-id": "p1"}))

    assert batch.status == "validated"
    prefix = f"tacos/v1/dt=2026-03-02/{batch.batch_id}"
    assert world.filed() == [
        f"profiles/{prefix}.json",
        f"reports/{prefix}.html",
        f"reports/{prefix}.json",
        f"validated/{prefix}.parquet",
    ]
    assert parquet_rows(world.read(batch.validated_key), tmp_path / "rows.parquet") == [
        {"distance_km": 1.5, "store": "centro", "minutes": 12.0},
        {"distance_km": 2.5, "store": "norte", "minutes": 20.0},
    ]
    assert Profile.from_json(world.read(batch.profile_key)).rows == 2
    assert world.landing_versions() == []
    row = world.row(batch.batch_id)
    assert row | {"status": "validated", "rows": 2, "push_id": "p1", "announced": True, "problems": []} == row
    assert row["received_at"] == "2026-03-02T08:00:00Z"
    (envelope,) = world.heard()
    event = events.parse(envelope)
    assert isinstance(event, events.BatchValidated)
    assert (event.rows, event.push_id, event.validated_key) == (2, "p1", batch.validated_key)


def test_a_bad_file_ends_in_quarantine_as_it_came_with_a_report(world):
    batch = world.validate(world.push(BAD))

    assert batch.status == "quarantined"
    assert world.read(batch.quarantine_key) == BAD
    assert world.keys(world.lake, "validated/") == []
    assert world.landing_versions() == []
    report = json.loads(world.read(batch.report_key))
    (finding,) = report["findings"]
    assert (finding["check"], finding["column"], finding["first_row"], finding["line"]) == ("category", "store", 1, 2)
    page = world.read(batch.report_html_key).decode()
    assert "&lt;b&gt;sur&lt;/b&gt;" in page
    assert "<b>" not in page
    event = events.parse(world.heard()[0])
    assert isinstance(event, events.BatchRejected)
    assert "column 'store'" in event.problems[0]


def test_a_second_delivery_changes_nothing(world):
    envelope = world.push(GOOD)
    first = world.validate(envelope)
    world.heard()
    before = world.s3.list_object_versions(Bucket=world.lake)["Versions"]
    assert world.validate(envelope, NOW_S + 1000) == first
    assert world.s3.list_object_versions(Bucket=world.lake)["Versions"] == before
    assert world.heard() == []


def test_the_same_content_again_is_a_duplicate_and_is_not_stored(world):
    first = world.validate(world.push(GOOD, "a.csv"))
    world.heard()
    filed = world.filed()
    second = world.validate(world.push(GOOD, "b.csv"))
    assert (second.status, second.duplicate_of) == ("duplicate", first.batch_id)
    assert world.filed() == filed
    assert world.landing_versions() == []
    assert world.heard() == []
    assert world.row(second.batch_id)["announced"] is True


def test_bad_content_is_judged_anew_once_the_recipe_has_changed(world):
    first = world.validate(world.push(BAD))
    assert world.validate(world.push(BAD)).duplicate_of == first.batch_id
    values = {"distance_km": {"type": "number"}, "store": {"type": "category", "values": ["<b>sur</b>"]}}
    world.put_recipe(Recipe.model_validate({**RECIPE.model_dump(), "features": values}))
    assert world.validate(world.push(BAD)).status == "validated"


def test_each_version_of_one_key_is_judged_by_its_own_content(world):
    first, second = world.push(GOOD), world.push(BAD)
    assert world.validate(second).status == "quarantined"
    assert world.validate(first).status == "validated"
    assert world.landing_versions() == []


@pytest.mark.parametrize(
    ("key", "check", "known"),
    [
        ("incoming/burritos/x.csv", "recipe", "tacos"),
        ("incoming/x.csv", "key", "incoming/<model>/<file>"),
    ],
)
def test_what_belongs_to_no_model_goes_to_quarantine_unread(world, key, check, known):
    batch = world.validate(world.put(key, b"\0"))
    assert batch.status == "quarantined"
    assert known in batch.problems[0]
    assert world.read(batch.quarantine_key) == b"\0"
    report = json.loads(world.read(batch.report_key))
    assert report["findings"][0]["check"] == check
    assert report["next_step"]
    assert world.landing_versions() == []
    assert world.heard()[0]["detail"]["model"] == (UNCLAIMED if check == "key" else "burritos")


def test_a_file_too_large_to_read_goes_to_quarantine_unread(world, monkeypatch):
    monkeypatch.setattr(logic, "MAX_FILE_BYTES", 10)
    batch = world.validate(world.push(GOOD))
    assert batch.problems == [f"found a file of {len(GOOD)} bytes, expected at most 10 bytes; push it in parts"]
    assert world.read(batch.quarantine_key) == GOOD


def test_a_folder_made_by_the_console_is_no_upload():
    envelope = copy.deepcopy(GOLDEN)
    envelope["detail"]["object"]["key"] = "incoming/tacos/"
    assert read_upload(envelope) is None


def test_a_key_that_the_event_writes_url_encoded_is_found(world):
    envelope = world.push(GOOD, "week 1 + 2 ñ.csv")
    envelope["detail"]["object"]["key"] = quote_plus(envelope["detail"]["object"]["key"], safe="/")
    assert world.validate(envelope).status == "validated"
    assert world.landing_versions() == []


def test_an_object_deleted_before_it_was_read_ends_the_batch(world):
    envelope = world.push(GOOD)
    version = envelope["detail"]["object"]["version-id"]
    world.s3.delete_object(Bucket=world.landing, Key="incoming/tacos/week1.csv", VersionId=version)
    batch = world.validate(envelope)
    assert batch.problems == ["the object was deleted before it was read"]
    assert world.row(batch.batch_id)["announced"] is True
    assert world.filed() == []


def test_two_deliveries_at_once_do_the_work_once(world):
    envelope = world.push(GOOD)
    with pytest.raises(DeathError):
        world.validate(envelope, events=Dying(world.events, 0), dynamodb=Dying(world.dynamodb, 2))
    with pytest.raises(BatchAtWorkError):
        world.validate(envelope, NOW_S + 59)
    assert world.validate(envelope, NOW_S + 60).status == "validated"


def test_a_reference_profile_gives_drift_and_warnings_and_never_quarantines(world):
    first = world.validate(world.push(GOOD))
    world.s3.put_object(Bucket=world.lake, Key="profiles/tacos/v1/reference.json", Body=world.read(first.profile_key))
    far = world.validate(world.push(b"distance_km,store,minutes\n90,centro,12\n91,centro,20\n"))
    assert far.status == "validated"
    assert far.warnings[0].startswith("column 'distance_km' drifted: KS distance 1.00")
    report = json.loads(world.read(far.report_key))
    assert {drift["column"]: drift["distance"] for drift in report["drift"]} == {
        "distance_km": 1.0,
        "store": 0.5,
        "minutes": 0.0,
    }


def test_an_unreadable_reference_profile_costs_a_warning_only(world):
    world.s3.put_object(Bucket=world.lake, Key="profiles/tacos/v1/reference.json", Body=b"{}")
    batch = world.validate(world.push(GOOD))
    assert batch.status == "validated"
    assert "reference profile" in batch.warnings[0]


class DeathError(Exception):
    """The function's process dies here."""


class Dying:
    """A client whose process dies before or after its n-th call."""

    def __init__(self, client, calls, *, after=False, counter=None):
        self._client, self._limit, self._after = client, calls, after
        self._counter = counter if counter is not None else [0]

    def __getattr__(self, name):
        attribute = getattr(self._client, name)
        if name in ("exceptions", "meta", "get_paginator") or not callable(attribute):
            return attribute

        def call(*arguments, **parameters):
            self._counter[0] += 1
            dies = self._counter[0] > self._limit
            if dies and not self._after:
                raise DeathError(name)
            try:
                answer = attribute(*arguments, **parameters)
            finally:
                if dies and self._after:
                    raise DeathError(name)
            return answer

        return call


@pytest.mark.parametrize("content", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_at_any_call_is_repeated_to_the_same_end(cloud, content, after):
    world = World(cloud)
    for deaths in range(40):
        world.heard()
        # No two rounds may push the same content, or it would be a duplicate.
        envelope = world.push(content + b"1,norte,%d\n" % deaths)
        counter = [0]
        dying = {
            name: Dying(getattr(world, name), deaths, after=after, counter=counter)
            for name in ("s3", "dynamodb", "events")
        }
        try:
            world.validate(envelope, **dying)
        except DeathError:
            batch = world.validate(envelope, NOW_S + 60)
        else:
            assert deaths > 8
            break
        mine = [key for key in world.filed() if batch.batch_id in key]
        areas = sorted(key.split("/")[0] for key in mine if not key.startswith("reports/"))
        assert areas == (["profiles", "validated"] if content == GOOD else ["quarantine"])
        assert sum(key.startswith("reports/") for key in mine) == 2
        assert world.landing_versions() == []
        assert world.row(batch.batch_id)["announced"] is True
        assert len({envelope["detail"]["event_id"] for envelope in world.heard()}) == 1
    else:
        pytest.fail("validation never came to its end")


def test_a_recipe_that_changes_between_attempts_does_not_change_the_end(world):
    envelope = world.push(GOOD)
    with pytest.raises(DeathError):  # dies when the rows are filed and the table does not know it
        world.validate(envelope, dynamodb=Dying(world.dynamodb, 2))
    strict = {**RECIPE.model_dump(), "features": {"distance_km": {"type": "number", "max": 0}}}
    world.put_recipe(Recipe.model_validate(strict))
    assert world.validate(envelope, NOW_S + 60).status == "validated"
    assert world.keys(world.lake, "quarantine/") == []


class Context:
    function_name = "validate_batch"

    def __init__(self, remaining_ms: int = 60_000) -> None:
        self._remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms


@pytest.fixture
def ambient(world, cloud, monkeypatch):
    """The environment that the function has in its stack."""
    variables = {
        "COMAL_STACK": world.names.stack,
        "COMAL_ACCOUNT": ACCOUNT,
        "COMAL_REGION": REGION,
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    LambdaEnvironment.read.cache_clear()
    clients.client.cache_clear()
    yield
    LambdaEnvironment.read.cache_clear()
    clients.client.cache_clear()


def test_of_a_batch_of_messages_only_those_that_failed_come_again(world, ambient):
    broken = copy.deepcopy(GOLDEN)
    broken["detail"]["bucket"]["name"] = world.landing
    del broken["detail"]["object"]["version-id"]
    for envelope in (world.push(GOOD), broken, world.push(BAD)):
        world.send(envelope)
    records = world.receive()
    (broken_id,) = [record["messageId"] for record in records if record["body"] == json.dumps(broken)]
    answer = handle({"Records": records}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": broken_id}]}
    assert {key.split("/")[0] for key in world.filed()} == {"validated", "quarantine", "profiles", "reports"}


class EndOfProcess(BaseException):
    """Ends a handler as a kill does: nothing of it may catch this."""


@pytest.fixture
def cut_off(world, ambient, monkeypatch):
    """A pushed file whose validation was killed before it had filed the rows; its row in the table."""

    def die(*_):
        raise EndOfProcess

    world.send(world.push(GOOD))
    with monkeypatch.context() as patched:
        patched.setattr(Buckets, "file_rows", die)
        with pytest.raises(EndOfProcess):
            handle({"Records": world.receive()}, Context(1_500))
    row = rows_of_files(world)["week1.csv"]
    assert row["status"] == "processing"
    return row


def rows_of_files(world):
    """Rows of the batches table, by name of the file."""
    items = world.dynamodb.scan(TableName=world.names.shared("batches"))["Items"]
    return {row["source_key"].rsplit("/", 1)[-1]: row for row in map(from_item, items) if "source_key" in row}


def test_a_file_that_was_cut_off_is_taken_up_when_its_function_must_have_ended(world, cut_off):
    records = world.receive(wait_s=10)
    assert time.time() >= cut_off["lease_until_s"]
    assert handle({"Records": records}, Context()) == {"batchItemFailures": []}
    row = rows_of_files(world)["week1.csv"]
    assert (row["status"], row["announced"]) == ("validated", True)


def test_the_same_file_pushed_again_meanwhile_waits_no_longer_than_that(world, cut_off):
    world.send(world.push(GOOD, "again.csv"))
    with pytest.raises(BatchProcessingError, match="BatchAtWorkError"):
        handle({"Records": world.receive()}, Context(1_500))
    ends = {}
    while "processing" in ends.values() or not ends:
        records = world.receive(wait_s=10)
        assert records, "nothing came again"
        for record in records:
            # Either may come first; of two that come as one is at work, the other comes once more.
            with suppress(BatchProcessingError):
                handle({"Records": [record]}, Context(1_500))
        ends = {name: row["status"] for name, row in rows_of_files(world).items()}
    assert ends == {"week1.csv": "validated", "again.csv": "duplicate"}
    assert len([key for key in world.filed() if key.startswith("validated/")]) == 1


def test_a_lease_lasts_until_the_last_moment_of_its_function(world, ambient, monkeypatch):
    """Else the next attempt could begin while this one is still at work."""
    monkeypatch.setattr("lambdas.validate_batch.handler.time", SimpleNamespace(time=lambda: NOW_S + 0.9))
    world.send(world.push(GOOD))
    handle({"Records": world.receive()}, Context(1_200))
    assert rows_of_files(world)["week1.csv"]["lease_until_s"] == NOW_S + 3


def test_importing_the_handler_loads_neither_pandas_nor_pyarrow():
    code = "import sys, lambdas.validate_batch.handler; print(sorted({'pandas', 'pyarrow'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_judging_a_file_needs_no_pandas(tmp_path):
    """Where pandas is installed pyarrow loads it by itself; the layer has none."""
    (tmp_path / "x.csv").write_bytes(GOOD)
    code = (
        "import tests.without_pandas, sys; from pathlib import Path; from comal.recipe import Recipe; "
        "from lambdas.validate_batch.judge import judge; "
        "recipe = Recipe.model_validate_json(sys.argv[1]); folder = Path(sys.argv[2]); "
        "judge(folder / 'x.csv', folder / 'x.parquet', recipe, None); print('judged')"
    )
    command = [sys.executable, "-c", code, RECIPE.model_dump_json(), str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "judged"
