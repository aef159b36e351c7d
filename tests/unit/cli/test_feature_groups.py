"""What `comal features` reads of the online store, from a runtime that is slow and moody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from comal.cli.feature_groups import OpenGroup
from comal.cli.feature_table import newest_of, read_rows, with_features
from comal.cli.features import get
from comal.cli.online_features import OnlineFeatures
from comal.cli.repository import Repository
from comal.cli.target import Target
from comal.clients import Connection
from comal.errors import DataError, PlatformError, UserError
from comal.feature_group import EVENT_TIME, KNOWN_AT, FeatureGroup
from comal.recipe import Recipe
from tests.unit.comal.registry_samples import make_recipe

GROUP = FeatureGroup.model_validate(
    {"entity": "store", "ttl": "2d", "windows": {"pace": {"function": "mean", "column": "minutes", "over": "7d"}}}
)


class Store:
    """Gets to some records a call, knows nothing of `nobody`, refuses `refused`."""

    def __init__(self, per_call: int) -> None:
        self.per_call = per_call
        self.asked: list[int] = []
        self.named: list[str] = []

    def batch_get_record(self, Identifiers: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        (wanted,) = Identifiers
        keys = wanted["RecordIdentifiersValueAsString"]
        self.asked.append(len(keys))
        now, later = keys[: self.per_call], keys[self.per_call :]
        return {
            "Records": [
                {"RecordIdentifierValueAsString": key, "Record": record(key)}
                for key in now
                if key not in {"nobody", "refused"}
            ],
            "Errors": [
                {"RecordIdentifierValueAsString": key, "ErrorCode": "InternalFailure", "ErrorMessage": "no luck."}
                for key in now
                if key == "refused"
            ],
            "UnprocessedIdentifiers": [{**wanted, "RecordIdentifiersValueAsString": later}] if later else [],
        }

    def get_record(self, FeatureGroupName: str, RecordIdentifierValueAsString: str) -> dict[str, Any]:  # noqa: N803
        self.named.append(RecordIdentifierValueAsString)
        return {"Record": record(RecordIdentifierValueAsString)}


def record(key: str) -> list[dict[str, str]]:
    values = {"store": key, KNOWN_AT: "1.0"} | ({} if key == "silent" else {"pace": "1.5"})
    return [{"FeatureName": name, "ValueAsString": value} for name, value in values.items()]


def opened(store: Store, tmp_path: Path) -> OpenGroup:
    connection = Connection("us-east-1")
    connection._clients["sagemaker-featurestore-runtime"] = store
    return OpenGroup(Target(Repository(tmp_path), "local", connection), "tempo", "local-tacos-tempo", GROUP)


def test_what_the_store_does_not_get_to_is_asked_for_again(tmp_path: Path) -> None:
    store = Store(per_call=2)
    found = opened(store, tmp_path).online_all(["norte", "nobody", "silent", "norte"])
    assert found == {"norte": {"pace": 1.5}, "silent": {}}
    assert store.asked == [3, 1]


def test_a_hundred_are_asked_for_at_a_time(tmp_path: Path) -> None:
    store = Store(per_call=100)
    assert len(opened(store, tmp_path).online_all(map(str, range(250)))) == 250
    assert store.asked == [100, 100, 50]


def test_a_store_that_does_not_get_on_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(PlatformError, match="local-tacos-tempo did not get to 5 records in 5 calls"):
        opened(Store(per_call=1), tmp_path).online_all(map(str, range(10)))


def test_a_refused_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="local-tacos-tempo refuses refused: no luck"):
        opened(Store(per_call=2), tmp_path).online_all(["norte", "refused"])


def test_offline_as_online_an_entity_without_values_is_known_and_an_expired_one_is_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    times = pa.array([now - timedelta(hours=hours) for hours in (1, 1, 49)], pa.timestamp("us", "UTC"))
    stores = ["norte", "silent", "expired"]
    group = opened(Store(per_call=9), tmp_path)
    group.__dict__["records"] = pa.table(
        {"store": stores, KNOWN_AT: times, EVENT_TIME: times, "pace": pa.array([1.5, None, 2.0])}
    )
    newest = newest_of(group)
    assert newest == {"norte": {"pace": 1.5}, "silent": {}, "expired": None}
    assert group.online_all(["norte", "silent"]) == {name: newest[name] for name in ("norte", "silent")}


STORE_TYPES = {
    "category": ({"type": "category", "values": ["01", "1"]}, "01", "01"),
    "boolean": ({"type": "boolean"}, "1", "true"),
    "integer": ({"type": "integer"}, "07", "7"),
}


def recipe_of(feature: dict[str, Any]) -> Recipe:
    group = {"entity": "store", "windows": {"pace": {"function": "mean", "column": "minutes", "over": "7d"}}}
    return make_recipe(
        entity="order",
        event_time={"column": "at", "format": "epoch_s"},
        features={"store": feature},
        feature_groups={"tempo": group},
    )


@pytest.mark.parametrize("kind", STORE_TYPES)
def test_an_entity_is_found_however_a_file_or_a_row_writes_it(kind: str, tmp_path: Path) -> None:
    feature, written, name = STORE_TYPES[kind]
    recipe, group = recipe_of(feature), opened(Store(per_call=9), tmp_path)
    time = pa.array([0], pa.timestamp("s", "UTC"))
    group.__dict__["records"] = pa.table({"store": [name], KNOWN_AT: time, EVENT_TIME: time, "pace": [1.5]})
    file = tmp_path / "orders.csv"
    file.write_text(f"store,at,tip\n{written},100,2\n,100,3\n")
    table = read_rows(file, recipe, [group])
    found = with_features(file, table, [group], recipe)
    assert found.column("pace").to_pylist() == [1.5, None]
    assert found.column("tip").to_pylist() == [2, 3]
    assert OnlineFeatures([group], recipe).complete({"store": written})["pace"] == 1.5
    assert list(group.target.client("sagemaker-featurestore-runtime").named) == [name]
    assert OnlineFeatures([group], recipe).complete({"store": ""})["pace"] is None


def test_an_entity_that_the_recipe_does_not_know_is_named(tmp_path: Path) -> None:
    recipe, group = recipe_of({"type": "integer"}), opened(Store(per_call=9), tmp_path)
    file = tmp_path / "orders.csv"
    file.write_text("store,at\n7,100\nseven,100\n")
    table = read_rows(file, recipe, [group])
    with pytest.raises(DataError, match="store of row 1 is 'seven'; expected whole numbers"):
        with_features(file, table, [group], recipe)


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    recipe, group = recipe_of({"type": "integer"}), opened(Store(per_call=9), tmp_path)
    file = tmp_path / "orders.csv"
    file.write_text("store,store,at\n7,7,100\n")
    with pytest.raises(DataError, match="has the column store twice"):
        read_rows(file, recipe, [group])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "folder cannot be read: .* is a directory"),
        ("absent.csv", "absent.csv cannot be read: No such file"),
        ("absent.parquet", "absent.parquet cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, message: str, tmp_path: Path) -> None:
    recipe, group = recipe_of({"type": "integer"}), opened(Store(per_call=9), tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=message):
        read_rows(tmp_path / name, recipe, [group])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("7", "-12"), [7, -12]),
        (("900719925474099301", "1"), [900719925474099301, 1]),
        (("7", "2.50"), [7.0, 2.5]),
        (("01234", "98765"), ["01234", "98765"]),
        (("01234", "2.5"), ["01234", "2.5"]),
        (("0.5", "-0.5"), [0.5, -0.5]),
        (("0x1F", "1"), ["0x1F", "1"]),
        (("+41791234567", "7"), ["+41791234567", "7"]),
        (("12345678901234567890", "7"), ["12345678901234567890", "7"]),
        (("2026-01-05", "2026-01-05T10:00:00Z"), ["2026-01-05", "2026-01-05T10:00:00Z"]),
        (("true", "NA"), ["true", "NA"]),
    ],
)
def test_a_column_of_a_csv_file_that_is_not_needed_stays_as_it_is_written(
    texts: tuple[str, ...], values: list[Any], tmp_path: Path
) -> None:
    recipe, group = recipe_of({"type": "category", "values": ["01", "1"]}), opened(Store(per_call=9), tmp_path)
    file = tmp_path / "orders.csv"
    file.write_text("store,at,other\n" + "".join(f"01,100,{text}\n" for text in texts) + "01,100,\n")
    table = read_rows(file, recipe, [group])
    found = table.column("other").to_pylist()
    assert found == [*values, None]
    assert [type(value) for value in found[:-1]] == [type(value) for value in values]
    assert table.column("store").to_pylist() == ["01"] * 3
    assert table.column("at").to_pylist() == ["100"] * 3


def test_a_file_is_not_written_over_by_its_own_features(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("store,at\n")
    with pytest.raises(UserError, match=r"orders\.csv is the file itself"):
        get("tacos", file, out=tmp_path / "." / "orders.csv")
    assert file.read_text() == "store,at\n"
