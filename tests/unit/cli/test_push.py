"""`comal push` against a real S3 and DynamoDB; the tests play validate_batch."""

import json
import threading
import time

import pytest

from comal.cli.batches import batches_of
from comal.cli.upload import plan_uploads
from comal.errors import UserError

GRACE_S = 20


def judge(account, outcome: dict, key: str = "incoming/tacos/week1.csv") -> None:
    """Waits for the object, as validate_batch is told of it, and writes what became of it."""
    s3, bucket = account.target.client("s3"), account.target.names.bucket("landing")
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline:
        if s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
            push_id = s3.head_object(Bucket=bucket, Key=key)["Metadata"]["push-id"]
            account.put_batch("tacos", "b1", source_key=key, push_id=push_id, received_at="2026-01-01", **outcome)
            return
        time.sleep(0.05)


@pytest.fixture
def judged(account):
    threads = []

    def start(**outcome) -> None:
        threads.append(threading.Thread(target=judge, args=(account, outcome)))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture
def week(tmp_path):
    path = tmp_path / "week1.csv"
    path.write_text("basket_size,store,minutes_to_serve\n1,centro,3\n")
    return path


def test_a_good_file_is_followed_until_it_is_validated(comal, account, judged, week):
    judged(status="validated", rows=1, validated_key="validated/tacos/v1/dt=2026-01-01/b1.parquet")
    result = comal("push", "tacos", str(week), "-s", account.stack)
    assert result.exit_code == 0, result.output
    assert "validated" in result.stdout
    assert f"comal status tacos -s {account.stack}" in result.stdout


def test_a_bad_file_ends_with_exit_code_1_and_its_report_on_disk(comal, account, judged, week, clone):
    lake = account.target.names.bucket("lake")
    key = "reports/tacos/v1/dt=2026-01-01/b1.html"
    account.target.client("s3").put_object(Bucket=lake, Key=key, Body=b"<html>store</html>")
    problems = ["store: found 'mars', expected one of centro"]
    judged(status="quarantined", problems=problems, report_html_key=key, quarantine_key="quarantine/tacos/week1.csv")
    result = comal("push", "tacos", str(week), "-s", account.stack, "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)
    assert row["problems"] == problems
    assert row["report"] == f"s3://{lake}/{key}"
    report = clone / f".comal/reports/{account.stack}/b1.html"
    assert row["report_path"] == str(report)
    assert report.read_bytes() == b"<html>store</html>"


def test_a_bad_file_shows_its_problem_on_stderr(comal, account, judged, week):
    judged(status="quarantined", problems=["store: found 'mars', expected one of centro"])
    result = comal("push", "tacos", str(week), "-s", account.stack)
    assert "found 'mars', expected one of centro" in result.stderr


def test_the_same_content_again_is_no_failure(comal, account, judged, week):
    judged(status="duplicate", duplicate_of="b0")
    result = comal("push", "tacos", str(week), "-s", account.stack)
    assert result.exit_code == 0
    assert "batch b0 already" in result.stdout


def test_without_following_the_file_is_only_uploaded(comal, account, week):
    result = comal("push", "tacos", str(week), "-s", account.stack, "--no-follow", "--json")
    assert result.exit_code == 0
    assert [row["source_key"] for row in json.loads(result.stdout)] == ["incoming/tacos/week1.csv"]
    assert batches_of(account.target, "tacos") == []


def test_a_model_that_the_stack_has_not_is_refused_with_those_that_it_has(comal, account, week):
    result = comal("push", "burritos", str(week), "-s", account.stack)
    assert result.exit_code == 2
    assert "no model 'burritos'; it has tacos" in result.stderr
    assert "comal init" in result.stderr


def test_a_recipe_that_is_not_deployed_yet_asks_for_up(comal, account, week, clone):
    (clone / "recipes/burritos.yaml").write_text("model: burritos\n")
    result = comal("push", "burritos", str(week), "-s", account.stack)
    assert f"comal up -s {account.stack}" in result.stderr


def test_a_stack_that_is_not_up_asks_for_up(comal, account, week):
    s3, lake = account.target.client("s3"), account.target.names.bucket("lake")
    s3.delete_object(Bucket=lake, Key="recipes/tacos.json")
    result = comal("push", "tacos", str(week), "-s", account.stack)
    assert result.exit_code == 2
    assert "it is not up" in result.stderr


def test_a_file_that_does_not_exist_is_refused_before_anything_is_sent(comal, clone):
    result = comal("push", "tacos", "absent.csv")
    assert result.exit_code == 2
    assert "absent.csv does not exist" in result.stderr


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no files"):
        plan_uploads("tacos", [tmp_path])


def test_a_folder_means_its_files_hidden_ones_left_out(tmp_path):
    (tmp_path / "may").mkdir()
    for name in ("may/1.csv", "2.csv", ".3.csv"):
        (tmp_path / name).touch()
    assert [upload.key for upload in plan_uploads("tacos", [tmp_path])] == [
        "incoming/tacos/2.csv",
        "incoming/tacos/may/1.csv",
    ]


def test_a_file_named_twice_is_sent_once(week):
    assert len(plan_uploads("tacos", [week, week])) == 1


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").touch()
    with pytest.raises(UserError, match="both land as"):
        plan_uploads("tacos", [tmp_path / "a/x.csv", tmp_path / "b/x.csv"])
