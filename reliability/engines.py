"""The table engines: Polars, pandas, DuckDB and Spark. Where they differ, they differ here.

The statistics are written once on narwhals. Polars and pandas hold their rows in memory, in an order; DuckDB and Spark are asked
only at the end, and their rows have no order.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import narwhals as nw
import polars as pl

from network import FudianError, MissingExtraError, text

ENGINES = ("polars", "pandas", "duckdb", "spark")


Function = TypeVar("Function", bound=Callable[..., Any])


def arrow_in_arrow_out(function: Function) -> Function:
    """Have a function of frames take tables of Arrow too, and answer with one; Polars computes it."""

    @wraps(function)
    def answered(*args: Any, **kwargs: Any) -> Any:
        is_arrow = nw.dependencies.is_pyarrow_table
        if not any(map(is_arrow, (*args, *kwargs.values()))):
            return function(*args, **kwargs)

        def read(given: Any) -> Any:
            return pl.DataFrame(given) if is_arrow(given) else given

        found = function(*map(read, args), **{name: read(given) for name, given in kwargs.items()})
        return found.to_arrow()

    return cast("Function", answered)


def to_engine(frame: pl.DataFrame, engine: str) -> Any:
    """Return a Polars frame in another engine.

    Raises:
        FudianError: the engine is not known.
        MissingExtraError: its package is not installed.
    """
    if engine == "polars":
        return frame
    if engine == "pandas":
        return frame.to_pandas()
    if engine == "duckdb":
        if importlib.util.find_spec("duckdb") is None:
            raise MissingExtraError("duckdb", "duckdb")
        import duckdb

        return duckdb.from_arrow(frame.to_arrow())
    if engine == "spark":
        return spark_session().createDataFrame(frame.to_arrow())
    raise FudianError(
        text("There is no engine {engine!r}.", engine=engine), text("Use any of: {names}.", names=", ".join(ENGINES))
    )


def from_engine(frame: Any) -> pl.DataFrame:
    """Return a small result of any engine as a Polars frame."""
    table: Any = nw.from_native(frame)
    if isinstance(table, nw.LazyFrame):
        if table.implementation.is_spark_like():
            return pl.DataFrame(frame.toArrow())
        table = table.collect(engine="streaming") if table.implementation.is_polars() else table.collect()
    polars: pl.DataFrame = table.to_polars()
    return polars


def like(frame: pl.DataFrame, other: Any) -> Any:
    """Return a small Polars frame in the engine of the narwhals frame ``other``."""
    kind = other.implementation
    if kind.is_polars():
        return nw.from_native(frame.lazy() if isinstance(other, nw.LazyFrame) else frame)
    if kind.is_spark_like():
        return nw.from_native(other.to_native().sparkSession.createDataFrame(frame.to_arrow()))
    for engine in ENGINES:
        if kind.value == engine:
            return nw.from_native(to_engine(frame, engine))
    raise FudianError(
        text("The statistics do not run on {engine}.", engine=str(kind)),
        text("Use Polars, pandas, DuckDB or Spark."),
    )


def spark_session() -> Any:
    """Return the Spark session of a submitted job, or a new one on this machine.

    Raises:
        MissingExtraError: Spark's package is not installed.
        FudianError: Spark does not start, mostly for want of Java.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise MissingExtraError("pyspark", "spark")
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    if "SPARK_ENV_LOADED" not in os.environ:  # not submitted to a cluster: quiet, and sized for one machine
        cores = os.cpu_count() or 1
        builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        builder = builder.config("spark.sql.shuffle.partitions", str(cores))
    try:
        session = builder.appName("fudian").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except (PySparkException, OSError) as reason:
        raise FudianError(
            text("Spark does not start: {reason}", reason=str(reason).strip().splitlines()[0]),
            text("Spark needs Java 17 or newer; set JAVA_HOME, or put java on the PATH."),
        ) from reason
    session.sparkContext.setLogLevel("ERROR")
    return session


def in_memory(frame: Any) -> Any:
    """Return a narwhals frame with its rows in memory where the engine keeps them so; on DuckDB and Spark the same frame."""
    if isinstance(frame, nw.LazyFrame) and frame.implementation.is_polars():
        return frame.collect(engine="streaming")
    return frame


def has_order(frame: Any) -> bool:
    """Return whether the rows of a narwhals frame have an order, so that sorting once serves every window."""
    return isinstance(frame, nw.DataFrame)


def in_passing(frame: Any) -> Any:
    """Return a frame whose next steps run in one pass without being held in memory, where the engine can."""
    return frame.lazy() if has_order(frame) and frame.implementation.is_polars() else frame


def numbers_of(frame: Any, column: str) -> Any:
    """Return whole numbers in the alphabetical order of a text column of a narwhals frame in memory; numbers stay as they are."""
    series = frame[column]
    if series.dtype != nw.String:
        return series
    native: Any = series.to_native()
    if not isinstance(native, pl.Series):
        return nw.from_native(type(native)(native.factorize(sort=True)[0], index=native.index), series_only=True)
    known = pl.Enum(native.unique().drop_nulls().sort())
    return nw.from_native(native.cast(known).to_physical().cast(pl.Int64), series_only=True)


def compact(frame: Any, columns: Collection[str]) -> Any:
    """Hold text columns with few values as small numbers where the engine groups them faster; see :func:`small`."""
    if not frame.implementation.is_polars():
        return frame
    return frame.with_columns(nw.col(*columns).cast(nw.Categorical))


def small(frame: Any) -> Any:
    """Run what was asked of a narwhals frame and return the few rows of its result, on Polars, compact columns as text again."""
    result = from_engine(frame.to_native())
    wide = [name for name, kind in result.schema.items() if kind == pl.Decimal]  # DuckDB's sums of whole numbers
    return nw.from_native(result.with_columns(pl.col(pl.Categorical).cast(pl.String), pl.col(wide).cast(pl.Int64)))


@contextmanager
def held(frame: Any) -> Iterator[Any]:
    """Let Spark hold the rows of a narwhals frame while several results are made of them."""
    if not frame.implementation.is_spark_like():
        yield frame
        return
    native = frame.to_native().persist()
    try:
        yield nw.from_native(native)
    finally:
        native.unpersist()


def shaped(frame: Any, schema: Mapping[str, Any]) -> Any:
    """Return a narwhals frame with exactly the columns of a schema of Polars types; absent ones are null."""
    kinds: dict[str, Any] = dict(nw.from_native(pl.DataFrame(schema=schema)).schema)
    known = frame.collect_schema()
    as_times = frame.implementation.is_spark_like()  # Spark has a type of its own for local times

    def column(name: str, kind: Any) -> Any:
        if name not in known:
            return nw.lit(None, dtype=kind).alias(name)
        return nw.col(name) if as_times and known[name] == nw.Datetime else nw.col(name).cast(kind)

    return frame.select(column(name, kind) for name, kind in kinds.items())


def parquet_on_spark(folder: Path) -> Any:
    """Return the part files of a table as a Spark frame.

    Raises:
        FudianError: a time has a zone, so that its local time is not known.
    """
    frame = spark_session().read.parquet(str(folder))
    zoned = [name for name, kind in frame.dtypes if kind == "timestamp"]
    if zoned:
        raise FudianError(
            text("The times of {column} in {folder} have a zone.", column=zoned[0], folder=folder.name),
            text("Write local times: TIMESTAMP_NTZ in Spark."),
        )
    return frame
