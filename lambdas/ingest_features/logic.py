"""Validated batches become features, in one order, whatever is delivered twice, late, or dies half-way.

Each batch gets a number. What it writes follows from the batches up to that number: offline records, the newest record
of each entity online, and its own rows beside what was known when each of them happened. A number that nobody has
finished is done again by whoever comes next, before the next number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comal.errors import PlatformError
from comal.event_bus import EventBus
from comal.events import FeaturesIngested, event_id
from comal.feature_group import FeatureGroup
from comal.feature_history import History, new_history
from comal.feature_windows import MICROSECONDS, Floats, Records, Rows
from comal.names import Names
from comal.recipe import Recipe
from comal.time_order import Ints
from lambdas.ingest_features.batches import Batches, ValidatedBatch, times_of
from lambdas.ingest_features.feature_store import FeatureStore
from lambdas.ingest_features.ingestion_log import Ingestion, IngestionLog

# Two batches that came at the same moment are known one after the other; the online store tells milliseconds apart.
_NEXT = 1000


@dataclass(frozen=True)
class FeatureIngestion:
    """Ingests the batches of one model as its recipe is deployed.

    Attributes:
        stores: A feature group of SageMaker for each of the recipe's, by name.
        has_time: Whether there is time for one more batch.
        warn: Takes what whoever reads the log should know.
    """

    names: Names
    recipe: Recipe
    batches: Batches
    log: IngestionLog
    stores: dict[str, FeatureStore]
    bus: EventBus
    has_time: Callable[[], bool]
    warn: Callable[[str], None]

    def catch_up(self) -> int:
        """Ingest every validated batch that is not ingested; returns how many that were.

        Raises:
            PlatformError: There was no time for all of them; the rest follows when the message comes again.
        """
        ingested = 0
        while (ingestion := self._next()) is not None:
            if not self.has_time():
                raise PlatformError(
                    f"{ingested} batches of {self.recipe.model} are ingested and time is up.",
                    next_step="The message comes again by itself.",
                )
            self._ingest(ingestion)
            self.log.set_done(ingestion)
            ingested += 1
        return ingested

    def _next(self) -> Ingestion | None:
        """The first number that is not done, or a new one for a batch that has none."""
        while True:
            ingestions = self.log.ingestions()
            for ingestion in ingestions:
                if not ingestion.done:
                    return ingestion
            known = {ingestion.batch_id for ingestion in ingestions}
            waiting = [batch for batch in self.batches.validated(self.recipe.model) if batch.batch_id not in known]
            if not waiting:
                return None
            claimed = self._planned(waiting[0], ingestions)
            if self.log.claim(claimed):
                return claimed

    def _planned(self, batch: ValidatedBatch, earlier: list[Ingestion]) -> Ingestion:
        table = self.batches.read(self.recipe, batch.validated_key)
        ingested_at = max([batch.received_at, *(one.ingested_at + _NEXT for one in earlier[-1:])])
        times, has_time = times_of(table, self.recipe, ingested_at)
        known = times[has_time]
        if len(known) < len(times):
            self.warn(
                f"{len(times) - len(known)} of {len(times)} rows of batch {batch.batch_id} are in no window: they have "
                "no time, or one before 1970 or a day after their file came."
            )
        return Ingestion(
            number=len(earlier),
            batch_id=batch.batch_id,
            validated_key=batch.validated_key,
            ingested_at=ingested_at,
            rows=table.num_rows,
            first=int(known.min()) if len(known) else 0,
            last=int(known.max()) if len(known) else 0,
        )

    def _ingest(self, ingestion: Ingestion) -> None:
        values: dict[str, Floats] = {}
        tables: dict[str, pa.Table] = {}
        earlier = [one for one in self.log.ingestions() if one.number < ingestion.number]
        for name, group in self.recipe.feature_groups.items():
            horizon = ingestion.first - group.longest_s * MICROSECONDS
            needed = [*(one for one in earlier if one.last >= horizon), ingestion]
            for one in needed:
                if one.batch_id not in tables:
                    tables[one.batch_id] = self.batches.read(self.recipe, one.validated_key)
            found = self._ingest_group(group, self.stores[name], ingestion, needed, tables)
            values |= dict(zip(group.windows, found.T, strict=True))
        key = self.batches.write_with_windows(self.recipe, ingestion.validated_key, values)
        self.batches.note_features(self.recipe.model, ingestion.batch_id, key)
        self._tell(ingestion, key)

    def _ingest_group(
        self,
        group: FeatureGroup,
        store: FeatureStore,
        ingestion: Ingestion,
        needed: list[Ingestion],
        tables: dict[str, pa.Table],
    ) -> Floats:
        """Write a group's records; returns what was known at each row of the batch: rows x windows."""
        rows, entities = self._rows(group, needed, tables)
        written = new_history(group, rows, ingestion.number, {one.number: one.ingested_at for one in needed})
        identity = f"{ingestion.number} {ingestion.batch_id}"
        store.write_offline(written, entities, identity, ingestion.ingested_at)
        newest = written.newest()
        store.put_online(_some(written, newest), entities)

        own = tables[ingestion.batch_id]
        times, has_time = times_of(own, self.recipe, ingestion.ingested_at)
        names = own.column(group.entity).cast(pa.string()).to_pylist()
        codes = {name: code for code, name in enumerate(dict.fromkeys(name for name in names if name is not None))}
        asked = np.array([codes.get(name, -1) for name in names], dtype=np.int64)
        history = store.read_offline(max(0, ingestion.first - group.ttl_s * MICROSECONDS), codes)
        known = history.at(asked, times, group.ttl_s)
        known[~has_time] = np.nan
        return known

    def _rows(
        self, group: FeatureGroup, needed: list[Ingestion], tables: dict[str, pa.Table]
    ) -> tuple[Rows, list[str]]:
        """Rows of several batches that have key, time and entity, and the text of each entity's code."""
        assert self.recipe.entity is not None  # the recipe has feature groups
        parts = []
        for one in needed:
            table = tables[one.batch_id]
            times, has_time = times_of(table, self.recipe, one.ingested_at)
            parts.append(
                pa.table(
                    {
                        "key": table.column(self.recipe.entity).cast(pa.string()),
                        "entity": table.column(group.entity).cast(pa.string()),
                        "time": pa.array(times, mask=~has_time),
                        "number": pa.array(np.full(table.num_rows, one.number)),
                        **{f"value:{name}": table.column(name).cast(pa.float64()) for name in group.columns},
                    }
                )
            )
        table = pa.concat_tables(parts)
        table = table.filter(
            pc.and_(pc.is_valid(table["key"]), pc.and_(pc.is_valid(table["entity"]), pc.is_valid(table["time"])))
        ).combine_chunks()
        keys, _ = _encoded(table["key"])
        entities, texts = _encoded(table["entity"])
        values = {
            name: pc.fill_null(table[f"value:{name}"], float("nan")).to_numpy().astype(np.float64)
            for name in group.columns
        }
        return Rows(keys, entities, table["time"].to_numpy(), table["number"].to_numpy(), values), texts

    def _tell(self, ingestion: Ingestion, key: str) -> None:
        stack, model = self.names.stack, self.recipe.model
        self.bus.emit(
            FeaturesIngested(
                event_id=event_id("FeaturesIngested", stack, model, self.recipe.feature_definition, ingestion.batch_id),
                stack=stack,
                model=model,
                batch_id=ingestion.batch_id,
                rows=ingestion.rows,
                features_key=key,
            ),
            datetime.fromtimestamp(ingestion.ingested_at / MICROSECONDS).astimezone(),
        )


def _some(history: History, chosen: Ints) -> History:
    records = history.records
    return History(
        Records(records.entities[chosen], records.times[chosen], records.values[chosen]), history.known_at[chosen]
    )


def _encoded(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Codes of texts, and the text of each code."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()
