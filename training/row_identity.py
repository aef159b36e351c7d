"""What makes a row the same row in whatever file it comes: a hash of the columns that tell it from others.

Files overlap: a cumulative export holds last week's rows again. So a row's identity comes from its values and never
from its place. It is the same on every machine and for every version: of numbers the bits as float64 are hashed, of
times the microseconds since 1970, of text the UTF-8 bytes, however Arrow holds them.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature

Hashes = NDArray[np.uint64]

# So few that their hashes stay in the processor's cache from one column to the next.
_ROWS_AT_A_TIME = 65_536
_WORD_BYTES = 8
# Whole numbers up to it have a float64 of their own.
_EXACT_BELOW = 2.0**53
# SplitMix64's own constants; what it starts from is that of a row whose every value is missing.
_START = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def identity_columns(recipe: Recipe) -> list[str]:
    """The columns that tell a row from others. Only the recipe decides which, so that all files agree.

    An entity at a time is one row, as for late labels and feature groups, and a correction of it is still that row. An
    entity without a time keeps its rows together, unless it is a feature with listed values: a few whole shops would
    fall on one side. A time alone is shared by all that happened then. In these two cases, as without either, the
    content counts.

    Windows of feature groups are never among them: they change when they are computed anew, and a recipe that has them
    has entity and time.
    """
    times = [recipe.event_time.column] if recipe.event_time else []
    if recipe.entity is not None:
        has_listed_values = isinstance(recipe.features.get(recipe.entity), CategoryFeature | BooleanFeature)
        if times or not has_listed_values:
            return sorted({recipe.entity, *times})
    return sorted({*times, *recipe.features, recipe.target})


def row_hashes(rows: pa.Table, recipe: Recipe) -> Hashes:
    """A hash of each row's identity.

    Args:
        rows: Has the recipe's `identity_columns`; other columns and the order of all do not matter.
        recipe: Says which columns those are, and which of them hold text.

    Returns:
        Shape (rows,). Equal identities have equal hashes; two others have so by chance, one pair in 2**64.
    """
    columns = [(name, _seed(name), _is_text(name, recipe)) for name in identity_columns(recipe)]
    hashes = np.full(rows.num_rows, _START)
    first = 0
    for block in rows.select([name for name, _, _ in columns]).to_batches(max_chunksize=_ROWS_AT_A_TIME):
        some = hashes[first : first + len(block)]
        for name, seed, is_text in columns:
            # A sum, since the order of a recipe's features says nothing of the row.
            some += _value_hashes(block.column(name), seed, is_text=is_text)
        _mix(some)  # else rows that differ in one column alone would lie one distance apart
        first += len(block)
    return hashes


def _seed(name: str) -> np.uint64:
    """What makes equal values of two columns different."""
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:_WORD_BYTES], "little"))


def _is_text(name: str, recipe: Recipe) -> bool:
    """Whether spelling tells the column's values apart: numbers of one file may be texts in another."""
    if name == recipe.target:
        return recipe.task != "regression"
    return name == recipe.entity or isinstance(recipe.features.get(name), CategoryFeature)


def _value_hashes(column: pa.Array, seed: np.uint64, *, is_text: bool) -> Hashes:
    """Hashes of one column's values. A missing one adds nothing to its row's: NaN and null are the same, "" is text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = pc.add(column.cast(pa.float64()), 0.0)  # turns -0.0, which equals 0.0, into it
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    if is_text or not pa.types.is_primitive(column.type):
        hashes = _text_hashes(column.cast(pa.string()), seed)
        missing = np.asarray(pc.is_null(column, nan_is_null=True))
    else:
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        bits = values.view(np.uint64)
        if pa.types.is_integer(column.type):  # the large ones differ by less than a float64 tells
            whole = np.asarray(column.fill_null(0).cast(pa.int64(), safe=False)).view(np.uint64)
            bits = np.where(np.abs(values) >= _EXACT_BELOW, whole, bits)
        hashes = _mix(bits + seed)
        missing = np.isnan(values)
    hashes[missing] = 0
    return hashes


def _text_hashes(texts: pa.StringArray, seed: np.uint64) -> Hashes:
    """Hashes of texts, eight bytes at a time of all that are as long."""
    _, offsets, characters = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    first, last = int(ends[0]), int(ends[-1])
    padded = np.zeros(last - first + _WORD_BYTES, dtype=np.uint8)
    if last > first:  # Arrow may have no characters at all
        padded[:-_WORD_BYTES] = np.frombuffer(characters, np.uint8)[first:last]
    # A word begins at each byte, so that a text's next one is taken from where the text is.
    words = np.ndarray(last - first + 1, "<u8", padded, strides=(1,))
    starts, left = ends[:-1] - first, np.diff(ends)
    hashes = _mix(left.astype(np.uint64) + seed)
    rows = np.flatnonzero(left)
    while len(rows):
        # The first byte is the lowest; what lies behind a text's end is shifted out.
        beyond_bits = np.maximum(_WORD_BYTES - left[rows], 0).astype(np.uint64) * np.uint64(8)
        hashes[rows] = _mix(hashes[rows] ^ (words[starts[rows]] << beyond_bits))
        starts[rows] += _WORD_BYTES
        left[rows] -= _WORD_BYTES
        rows = rows[left[rows] > 0]
    return hashes


def _mix(state: Hashes) -> Hashes:
    """SplitMix64's mixing (https://doi.org/10.1145/2714064.2660195), in place: each bit changes half of all bits."""
    state ^= state >> np.uint64(30)
    state *= _MIX_1
    state ^= state >> np.uint64(27)
    state *= _MIX_2
    state ^= state >> np.uint64(31)
    return state
