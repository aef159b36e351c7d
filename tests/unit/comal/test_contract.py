import json
import subprocess
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from comal.contract import Verdict, check_file, typed_schema
from comal.finding import Finding
from comal.recipe import Recipe
from tests.running_cloud import REPOSITORY

VALUES = {
    "model": "tacos",
    "task": "regression",
    "target": "minutes",
    "entity": "order",
    "event_time": {"column": "at"},
    "features": {
        "size": {"type": "integer", "min": 1, "max": 60},
        "km": {"type": "number", "min": 0},
        "store": {"type": "category", "values": ["centro", "NA"]},
        "rain": {"type": "boolean"},
    },
}
RECIPE = Recipe.model_validate(VALUES)
HEADER = "order,at,size,km,store,rain,minutes\n"
ROW = "o1,2026-03-02T08:00:00Z,2,1.5,centro,yes,12\n"


def recipe(**sections) -> Recipe:
    return Recipe.model_validate(VALUES | sections)


@pytest.fixture
def check(tmp_path):
    """Verdict and typed rows of a file's content."""

    def check_content(content, recipe=RECIPE):
        path = tmp_path / "pushed"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        batches = []
        verdict = check_file(path, recipe, batches.append)
        rows = pa.Table.from_batches(batches).to_pylist() if batches else []
        return verdict, rows

    return check_content


def only(verdict: Verdict) -> Finding:
    (finding,) = verdict.findings
    return finding


def row(**values) -> str:
    cells = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True)) | values
    return ",".join(str(cell) for cell in cells.values()) + "\n"


def test_good_rows_pass_typed(check):
    verdict, rows = check(HEADER + ROW)
    assert (verdict.rows, verdict.findings) == (1, [])
    assert rows == [
        {
            "order": "o1",
            "at": datetime(2026, 3, 2, 8, tzinfo=UTC),
            "size": 2,
            "km": 1.5,
            "store": "centro",
            "rain": True,
            "minutes": 12.0,
        }
    ]


def test_columns_may_come_in_any_order_and_others_stay_as_text(check):
    verdict, rows = check("minutes,note,rain,store,km,size,at,order\n12,007,no,NA,-0,3.0,2026-03-02,o1\n")
    assert verdict.accepted
    assert list(rows[0]) == ["order", "at", "size", "km", "store", "rain", "minutes", "note"]
    assert (rows[0]["note"], rows[0]["size"], rows[0]["store"], str(rows[0]["km"])) == ("007", 3, "NA", "0.0")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_line_ending_a_byte_order_mark_and_empty_lines_are_read(check, newline, mark):
    text = (mark + HEADER + "\n" + ROW + "\n" + row(size=99)).replace("\n", newline)
    finding = only(check(text)[0])
    assert (finding.check, finding.first_row, finding.line) == ("above_max", 2, 5)


@pytest.mark.parametrize(
    ("column", "value", "name", "words"),
    [
        ("size", "two", "type", "whole numbers"),
        ("size", "2.5", "type", "whole numbers"),
        ("size", "0x10", "type", "whole numbers"),
        ("size", "1e3", "above_max", "at most 60"),
        ("size", "0", "below_min", "at least 1"),
        ("size", "61", "above_max", "at most 60"),
        ("size", "9223372036854775808", "overflow", "whole numbers"),
        ("size", "1e999999999", "overflow", "whole numbers"),
        ("size", "inf", "infinite", "finite"),
        ("km", "1,5", "type", "numbers"),
        ("km", "1 km", "type", "numbers"),
        ("km", "0x1F", "type", "numbers"),
        ("km", "-0.1", "below_min", "at least 0"),
        ("km", "-Infinity", "infinite", "finite"),
        ("km", "1e309", "overflow", "numbers"),
        ("store", "sur", "category", "'centro'"),
        ("rain", "maybe", "type", "true/false"),
        ("at", "yesterday", "type", "iso"),
        ("at", "2026-02-30", "type", "iso"),
        ("minutes", "soon", "type", "numbers"),
        ("minutes", "inf", "infinite", "finite"),
    ],
)
def test_a_value_that_does_not_fit_is_found_with_its_row_and_line(check, column, value, name, words):
    cell = f'"{value}"' if "," in value else value
    verdict, _ = check(HEADER + ROW * 3 + row(**{column: cell}) + ROW * 200 + row(**{column: cell}))
    finding = only(verdict)
    assert (finding.check, finding.column, finding.severity) == (name, column, "error")
    assert (finding.rows, finding.first_row, finding.line, finding.example) == (2, 4, 5, repr(value))
    assert words in finding.expected
    assert f"column '{column}'" in finding.sentence
    assert not verdict.accepted


@pytest.mark.parametrize("value", ["", "NA", "nan", "null", " None ", '""'])
def test_too_many_missing_values_are_found(check, value):
    finding = only(check(HEADER + ROW * 6 + row(km=value) * 4)[0])
    assert (finding.check, finding.found, finding.expected) == (
        "missing",
        "40.0% missing",
        "at most 2.0% (max_missing)",
    )
    assert (finding.rows, finding.first_row) == (4, 7)


def test_a_few_missing_values_pass_as_null(check):
    verdict, rows = check(HEADER + ROW * 98 + row(km="", size="", rain="", store="null"))
    assert verdict.accepted
    assert [rows[-1][name] for name in ("km", "size", "rain", "store")] == [None] * 4


def test_a_missing_column_is_found_and_a_near_name_is_shown(check):
    verdict, rows = check(HEADER.replace("km", "KM") + ROW)
    assert rows == []
    assert only(verdict).sentence == "column 'km': found 'KM' (another spelling), expected a column 'km' (feature)"


def test_other_columns_are_checked_where_one_is_missing(check):
    checks = {finding.check for finding in check("size,km\n99,1\n")[0].findings}
    assert checks == {"missing_column", "above_max"}


def test_an_unknown_category_may_only_warn(check):
    warn = recipe(validation={"on_new_category": "warn"})
    verdict, rows = check(HEADER + row(store="sur"), warn)
    assert verdict.accepted
    assert only(verdict).severity == "warning"
    assert rows[0]["store"] == "sur"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (HEADER, "no_rows"),
        (HEADER.strip(), "no_rows"),
        (b"\x89PNG\r\n\x1a\n\0\xff", "not_csv"),
        (b"PK\x03\x04rest", "not_csv"),
        (b"\xff\xfea\0,\0", "not_csv"),
        ('[{"size": 1}]', "not_csv"),
        ("<html></html>", "not_csv"),
        ("a,a\n1,2\n", "duplicate_column"),
        (HEADER.encode() + ROW.encode().replace(b"centro", b"caf\xe9"), "encoding"),
        (HEADER + ROW.replace("centro", "cen\0tro"), "nul_byte"),
        (HEADER + ROW + "1,2\n", "ragged_row"),
        (HEADER + ROW + ROW.strip() + ",x\n", "ragged_row"),
        (HEADER + "1,2\n" * 5000, "ragged_row"),
        (HEADER + ROW + row(minutes='"12\n')[:-1], "quotes"),
        (b"PAR1 and nothing more", "unreadable"),
        (",".join(str(n) for n in range(20_000)) + "\n", "header"),
    ],
)
def test_a_file_that_cannot_be_read_is_found_out_and_raises_nothing(check, content, name):
    verdict, _ = check(content)
    assert name in [finding.check for finding in verdict.errors]
    assert not verdict.accepted


def test_a_header_with_another_separator_or_no_header_is_said_so(check):
    assert check("size;km\n1;2\n")[0].findings[0].found == "a header separated by semicolons"
    assert check("1,2,3\n4,5,6\n")[0].findings[0].found == "numbers in the first line"


def test_a_column_without_a_name_is_left_out_with_a_warning(check):
    verdict, rows = check("," + HEADER + "0," + ROW)
    assert verdict.accepted
    assert only(verdict).check == "header"
    assert len(rows[0]) == 7


def test_rows_behind_one_that_cannot_be_read_keep_their_numbers(check):
    findings = check(HEADER + ROW + "ragged\n" + '"o\n2",2026-03-02,2,1,centro,1,1\n' + row(size=99))[0].findings
    places = {finding.check: (finding.first_row, finding.line) for finding in findings}
    assert places == {"ragged_row": (2, 3), "above_max": (4, 6)}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%m/%d/%Y", "3/2/2026"),
        ("epoch_s", "1772409600"),
        ("epoch_ms", "1772409600000"),
        ("iso", "2026-03-02"),
        ("iso", "2026-03-02T01:00:00+01:00"),
    ],
)
def test_times_are_read_in_the_recipes_format(check, pattern, text):
    verdict, rows = check(HEADER + row(at=text), recipe(event_time={"column": "at", "format": pattern}))
    assert verdict.findings == []
    assert rows[0]["at"] == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("task", "values", "severity"),
    [
        ("binary", ["0", "1", "0.0", "1.0"], None),
        ("binary", ["True", "false"], None),
        ("binary", ["late", "early", "sometimes"], "error"),
        ("binary", ["0"], "warning"),
        ("multiclass", ["a", "b", "c"], None),
        ("multiclass", [str(n) for n in range(1001)], "error"),
    ],
)
def test_classes_are_counted(check, task, values, severity):
    verdict, rows = check(HEADER + "".join(row(minutes=value) for value in values), recipe(task=task))
    assert [finding.severity for finding in verdict.findings] == ([severity] if severity else [])
    if values == ["0", "1", "0.0", "1.0"]:
        assert {row["minutes"] for row in rows} == {"0", "1"}


def parquet(path, **columns) -> bytes:
    good = {
        "order": ["o1", "o2"],
        "at": [datetime(2026, 3, 2), datetime(2026, 3, 3)],
        "size": [1, 2],
        "km": [1.0, 2.0],
        "store": ["centro", "NA"],
        "rain": [True, False],
        "minutes": [1, 2],
    }
    pq.write_table(pa.table({**good, **columns}), path)
    return path.read_bytes()


def test_parquet_passes_typed(check, tmp_path):
    odd = {
        "size": pa.array([1.0, 2.0]),
        "store": pa.array(["centro", "NA"]).dictionary_encode(),
        "minutes": pa.array(["1", "2.5"]),
        "nested": [[1], [2]],
    }
    verdict, rows = check(parquet(tmp_path / "good", **odd))
    assert verdict.accepted
    assert [finding.column for finding in verdict.warnings] == ["nested"]
    assert [rows[1][name] for name in ("size", "store", "minutes", "nested")] == [2, "NA", 2.5, None]


@pytest.mark.parametrize(
    ("column", "values", "name"),
    [
        ("size", pa.array([2**63, 1], pa.uint64()), "overflow"),
        ("size", pa.array([1.5, 1.0]), "type"),
        ("size", pa.array([1e300, 1.0]), "overflow"),
        ("size", pa.array([[1], [2]]), "type"),
        ("km", pa.array([float("inf"), 1.0]), "infinite"),
        ("km", pa.array([float("nan"), 1.0]), "missing"),
        ("km", pa.array([None, None], pa.null()), "missing"),
        ("rain", pa.array([3, 1]), "type"),
        ("store", pa.array([b"\xff", b"NA"]), "type"),
        ("at", pa.array(["never", "2026-01-01"]), "type"),
    ],
)
def test_parquet_that_does_not_fit_is_found(check, tmp_path, column, values, name):
    verdict, _ = check(parquet(tmp_path / "bad", **{column: values}))
    assert (only(verdict).check, only(verdict).column) == (name, column)


def test_a_cut_parquet_file_is_found_out(check, tmp_path):
    assert only(check(parquet(tmp_path / "good")[:-200])[0]).check == "unreadable"


def test_every_batch_has_the_schema_that_the_recipe_gives(check, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(HEADER.strip() + ",note\n" + (ROW.strip() + ",n\n") * 200_000)
    schemas = []
    verdict = check_file(path, RECIPE, lambda rows: schemas.append(rows.schema))
    assert verdict.rows == 200_000
    assert len(schemas) > 1
    assert set(schemas) == {typed_schema(RECIPE, (*HEADER.strip().split(","), "note"))}


def test_a_line_without_end_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "poison.csv"
    with path.open("wb") as file:
        file.write(HEADER.encode() + ROW.encode())
        for _ in range(256):
            file.write(b"x" * (1 << 20))
    code = (
        "import json, resource, sys; from pathlib import Path; from comal.contract import check_file; "
        "from comal.recipe import Recipe; recipe = Recipe.model_validate_json(sys.argv[1]); "
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = peak(); "
        "verdict = check_file(Path(sys.argv[2]), recipe, lambda rows: None); "
        "print(json.dumps([[f.check for f in verdict.errors], (peak() - before) // 1024]))"
    )
    command = [sys.executable, "-c", code, RECIPE.model_dump_json(), str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    checks, grown_mib = json.loads(done.stdout)
    assert checks == ["row_size"]
    assert grown_mib < 64


cells = st.one_of(
    st.sampled_from(["", "NA", "inf", "-0", "1e308", "1e309", "9" * 19, "0x1", "+5", "5.", ".5", "1e-400", "centro"]),
    st.text(max_size=8),
    st.floats().map(str),
    st.integers().map(str),
)
tables = st.lists(st.lists(cells, min_size=5, max_size=8), max_size=6).map(
    lambda rows: (HEADER + "".join(",".join(row) + "\n" for row in rows)).encode("utf-8", "replace")
)
contents = st.one_of(
    st.binary(max_size=300),
    tables,
    st.tuples(tables, st.integers(0, 60), st.binary(min_size=1, max_size=3)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=contents)
@example(content=b'"\x00\n\x00')
def test_any_bytes_end_in_a_verdict(check, content):
    verdict, rows = check(content)
    assert verdict.rows >= len(rows)
    assert verdict.rows or not verdict.accepted
    for finding in verdict.findings:
        json.dumps(finding.to_dict())
        assert finding.sentence.isprintable()
    if verdict.accepted:
        for typed in rows:
            assert typed["km"] is None or 0 <= typed["km"] < float("inf")
            assert typed["store"] in ("centro", "NA", None)
