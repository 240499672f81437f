"""The statistics floor beside its peers: hand-written DuckDB SQL, pandas and Polars on the same interruptions.

    python -m benchmarks.indices                             # 100,000 and 1 million interruptions
    python -m benchmarks.indices 1000000 5000000 20000000    # up to a million transformers; pandas wants some 16 GB

Every peer reads the same Parquet files and works in a process of its own, so that its peak memory is its own. The work is one
year's figures by region class, month and nature: merging what overlaps, each hour to the record that took the supply first,
cut at the months, with distinct users and frequent ones. The peers give what is needed for eleven figures, Fudian all of its
own. Answers are compared to 1e-9 before any time is shown; times are of this machine and this run, the ratios are what counts.
Times of the processor stand beside those of the clock: they say more on a machine that others use.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from reliability import Period, indices
from reliability.natures import FAULT, PREARRANGED

INTERRUPTIONS_PER_USER = 20
USERS_PER_OUTAGE = 50
CUSTOMERS_PER_TRANSFORMER = 50
YEAR = 2024
HOUR = 3_600_000_000
KEYS = ["region_class", "month", "nature"]
FIGURES = ["N_T", "CH", "CI", "CN", "SAIDI-1", "SAIDI-4", "SAIDI-F", "SAIDI-S", "SAIFI-1", "MAIFI", "CEMI_3"]
SETTINGS = {"sustained": 180_000_000, "often": 3}


def seeded(rows: int, customers: bool = False, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return interruptions and users: one in ten outages begins while its users are off; some last, some do not count.

    Args:
        rows: number of interruptions.
        customers: whether a row stands for the 50 customers of a transformer instead of for the transformer.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    users, outages = rows // INTERRUPTIONS_PER_USER, rows // USERS_PER_OUTAGE
    first = rng.integers(0, users, outages)
    opening = round((datetime(YEAR - 1, 12, 20) - datetime(1970, 1, 1)).total_seconds())
    start = (opening + rng.integers(0, 385 * 24 * 60, outages) * 60) * 1_000_000
    length = (1 + np.exp(rng.normal(0.3, 1.1, outages)) * 60).astype(np.int64) * 60_000_000
    follows = np.flatnonzero(rng.random(outages) < 0.1)[1:]
    first[follows] = first[follows - 1]
    start[follows] = start[follows - 1] + (length[follows - 1] * rng.random(len(follows))).astype(np.int64)
    nature = rng.choice(4, outages, p=[0.45, 0.1, 0.4, 0.05])
    lasting = rng.random(outages) < 0.002
    outage = np.repeat(np.arange(outages), USERS_PER_OUTAGE)
    user = (first[:, None] + np.arange(USERS_PER_OUTAGE)).ravel() % users
    weight = np.full(users, CUSTOMERS_PER_TRANSFORMER if customers else 1)
    capacity = rng.choice([200.0, 400.0, 630.0], users)
    people = pl.DataFrame(
        {
            "user_id": [f"T{number:07}" for number in range(users)],
            "users": weight,
            "in_service": pl.Series([None] * users, dtype=pl.Datetime("us")),
            "retired": pl.Series([None] * users, dtype=pl.Datetime("us")),
            "capacity_kva": capacity,
            "load_kw": capacity * 0.4,
            "region_class": pl.Series(["city_centre", "urban", "town", "rural"]).gather(np.arange(users) // 100 % 4),
        }
    )
    events = pl.DataFrame(
        {
            "outage_id": [f"E{number:08}" for number in range(outages)],
            "start": pl.Series(start).cast(pl.Datetime("us")),
            "end": pl.Series(start + length).set(pl.Series(lasting), None).cast(pl.Datetime("us")),
            "nature": pl.Series(["F-INT", "F-EXT", "P-PLAN-MAINT", "P-RAT-SYS"]).gather(nature),
            "external": nature == 1,
        }
    )
    excluded = pl.Series(["arrears", None]).gather((rng.random(len(outage)) >= 0.02).astype(np.int64))
    interruptions = pl.concat(
        [events[outage], people.drop("in_service", "retired")[user]], how="horizontal"
    ).with_columns(exclusion=excluded, recorded_only=pl.lit(value=False))
    return interruptions, people


# -- the peers ---------------------------------------------------------------------------------------------------------


def fudian(folder: Path) -> pl.DataFrame:
    rows, users = pl.scan_parquet(folder / "interruptions.parquet"), pl.scan_parquet(folder / "users.parquet")
    figures = indices(rows, users, KEYS, Period.year(YEAR))
    return figures.collect()


def months() -> pl.DataFrame:
    return Period.year(YEAR).frame(by_month=True)


def duckdb_sql(folder: Path) -> pl.DataFrame:
    import duckdb

    database = duckdb.connect()
    database.execute("PRAGMA enable_progress_bar=false")
    months().write_parquet(folder / "months.parquet")
    fault, prearranged = (", ".join(f"'{code}'" for code in codes) for codes in (FAULT, PREARRANGED))
    limit = round((datetime(YEAR + 1, 1, 1) - datetime(1970, 1, 1)).total_seconds()) * 1_000_000
    answer: pl.DataFrame = database.sql(f"""
        with known as (
            select user_id, outage_id, users, region_class, nature, epoch_us(start) as since,
                least(coalesce(epoch_us("end"), {limit}), {limit}) as till
            from '{folder}/interruptions.parquet' where exclusion is null and epoch_us(start) < {limit}
        ), reached as (
            select *, max(till) over (partition by user_id order by since, outage_id, till
                rows between unbounded preceding and 1 preceding) as before from known
        ), led as (
            select *, before is null or since > before as leads,
                sum((before is null or since > before)::int) over (partition by user_id order by since, outage_id, till
                rows unbounded preceding) as run from reached
        ), merged as (
            select *, max(till) over (partition by user_id, run) - min(since) over (partition by user_id, run) as lasted,
                greatest(since, coalesce(before, since)) as own from led
        ), pieces as (
            select region_class, month, nature, user_id, users, lasted > {SETTINGS["sustained"]} as sustained,
                greatest(least(till, bound_end) - greatest(own, bound_start), 0) / {HOUR} as h,
                (leads and own >= bound_start)::int as n
            from merged join '{folder}/months.parquet'
                on own < bound_end and (till > bound_start or (leads and own >= bound_start))
        ), per_user as (
            select region_class, month, nature, user_id, max(users) as users, sum(users * h) as ch, sum(users * n) as ci,
                sum(users * h) filter (sustained) as ch4, sum(users * n) filter (not sustained) as short,
                sum(n) filter (sustained) as often
            from pieces where h > 0 or n > 0 group by all
        ), base as (select region_class, sum(users) as nt from '{folder}/users.parquet' group by all)
        select region_class, month, nature, any_value(nt)::double as "N_T", sum(ch) as "CH", sum(ci)::bigint as "CI",
            sum(users)::bigint as "CN", sum(ch) / any_value(nt) as "SAIDI-1",
            coalesce(sum(ch4), 0) / any_value(nt) as "SAIDI-4",
            case when nature in ({fault}) then sum(ch) else 0 end / any_value(nt) as "SAIDI-F",
            case when nature in ({prearranged}) then sum(ch) else 0 end / any_value(nt) as "SAIDI-S",
            sum(ci) / any_value(nt) as "SAIFI-1", coalesce(sum(short), 0) / any_value(nt) as "MAIFI",
            100 * coalesce(sum(users) filter (often >= {SETTINGS["often"]}), 0) / any_value(nt) as "CEMI_3"
        from per_user join base using (region_class) group by region_class, month, nature
    """).pl()
    return answer  # fmt: skip


def bare_pandas(folder: Path) -> pl.DataFrame:
    import pandas as pd

    columns = ["user_id", "outage_id", "users", "region_class", "nature", "start", "end", "exclusion"]
    known = pd.read_parquet(folder / "interruptions.parquet", columns=columns)
    limit = pd.Timestamp(YEAR + 1, 1, 1)
    known = known[known["exclusion"].isna() & (known["start"] < limit)].drop(columns="exclusion")
    known["end"] = known["end"].fillna(limit).mask(lambda end: end > limit, limit)
    for name, moment in (("since", "start"), ("till", "end")):
        known[name] = known.pop(moment).astype("datetime64[us]").astype("int64")
    known = known.sort_values(["user_id", "since", "outage_id", "till"], ignore_index=True)
    user = known["user_id"]
    known["before"] = known.groupby("user_id")["till"].cummax().shift(1)
    same = user == user.shift(1)
    known["leads"] = ~same | (known["since"] > known["before"])
    known["run"] = known["leads"].cumsum()
    runs = known.groupby("run")
    known["sustained"] = runs["till"].transform("max") - runs["since"].transform("min") > SETTINGS["sustained"]
    known["own"] = known["since"].where(known["leads"], np.maximum(known["since"], known["before"])).astype("int64")
    parts = []
    for label, first, last, _ in months().rows():
        piece = known[
            (known["own"] < last) & ((known["till"] > first) | (known["leads"] & (known["own"] >= first)))
        ].copy()
        piece["h"] = ((piece["till"].clip(upper=last) - piece["own"].clip(lower=first)) / HOUR).clip(lower=0)
        piece["n"] = (piece["leads"] & (piece["own"] >= first)).astype("int64")
        piece["month"] = label
        parts.append(piece[(piece["h"] > 0) | (piece["n"] > 0)])
    pieces = pd.concat(parts)
    pieces["ch"], pieces["ci"] = pieces["users"] * pieces["h"], pieces["users"] * pieces["n"]
    pieces["ch4"] = pieces["ch"].where(pieces["sustained"], 0)
    pieces["short"] = pieces["ci"].where(~pieces["sustained"], 0)
    pieces["often"] = pieces["n"].where(pieces["sustained"], 0)
    sums = {"users": "max"} | dict.fromkeys(["ch", "ci", "ch4", "short", "often"], "sum")
    own = pieces.groupby([*KEYS, "user_id"], as_index=False).agg(sums)
    own["frequent"] = own["users"].where(own["often"] >= SETTINGS["often"], 0)
    found = own.groupby(KEYS, as_index=False)[["users", "ch", "ci", "ch4", "short", "frequent"]].sum()
    people = pd.read_parquet(folder / "users.parquet", columns=["region_class", "users"])
    total = found["region_class"].map(people.groupby("region_class")["users"].sum())
    return _finished(pl.from_pandas(found), pl.Series(total.to_numpy()))


def bare_polars(folder: Path) -> pl.DataFrame:
    limit = datetime(YEAR + 1, 1, 1)
    moment = pl.col("start", "end").dt.timestamp("us")
    user = pl.col("user_id")
    known = (
        pl.scan_parquet(folder / "interruptions.parquet")
        .filter(pl.col("exclusion").is_null(), pl.col("start") < limit)
        .with_columns(pl.col("end").fill_null(limit).clip(upper_bound=limit))
        .select("user_id", "outage_id", "users", "region_class", "nature", moment)
        .sort("user_id", "start", "outage_id", "end")
        .with_columns(before=pl.col("end").cum_max().over("user_id").shift(1), first=user != user.shift(1))
        .with_columns(leads=pl.col("first").fill_null(value=True) | (pl.col("start") > pl.col("before")))
        .with_columns(run=pl.col("leads").cum_sum())
        .with_columns(
            sustained=pl.col("end").max().over("run") - pl.col("start").min().over("run") > SETTINGS["sustained"],
            own=pl.when("leads").then("start").otherwise(pl.max_horizontal("start", "before")),
        )
    )
    begins = pl.col("leads") & (pl.col("own") >= pl.col("bound_start"))
    last, first = pl.min_horizontal("end", "bound_end"), pl.max_horizontal("own", "bound_start")
    pieces = (
        known.join(months().lazy(), how="cross")
        .filter(pl.col("own") < pl.col("bound_end"), (pl.col("end") > pl.col("bound_start")) | begins)
        .with_columns(h=((last - first) / HOUR).clip(lower_bound=0), n=begins.cast(pl.Int64))
        .filter((pl.col("h") > 0) | (pl.col("n") > 0))
    )
    long = pl.col("sustained")
    own = pieces.group_by(*KEYS, "user_id").agg(
        pl.col("users").max(),
        ch=(pl.col("users") * pl.col("h")).sum(),
        ci=(pl.col("users") * pl.col("n")).sum(),
        ch4=(pl.col("users") * pl.col("h")).filter(long).sum(),
        short=(pl.col("users") * pl.col("n")).filter(~long).sum(),
        often=pl.col("n").filter(long).sum(),
    )
    found = (
        own.with_columns(frequent=pl.when(pl.col("often") >= SETTINGS["often"]).then("users").otherwise(0))
        .group_by(KEYS)
        .agg(pl.col("users", "ch", "ci", "ch4", "short", "frequent").sum())
        .collect()
    )
    people = pl.read_parquet(folder / "users.parquet").group_by("region_class").agg(nt=pl.col("users").sum())
    return _finished(found, found.join(people, on="region_class", how="left", maintain_order="left")["nt"])


def _finished(found: pl.DataFrame, total: pl.Series) -> pl.DataFrame:
    fault, prearranged = pl.col("nature").is_in(FAULT), pl.col("nature").is_in(PREARRANGED)
    return found.select(
        *KEYS,
        total.cast(pl.Float64).alias("N_T"),
        pl.col("ch").alias("CH"),
        pl.col("ci").alias("CI"),
        pl.col("users").alias("CN"),
        (pl.col("ch") / total).alias("SAIDI-1"),
        (pl.col("ch4") / total).alias("SAIDI-4"),
        (pl.when(fault).then("ch").otherwise(0) / total).alias("SAIDI-F"),
        (pl.when(prearranged).then("ch").otherwise(0) / total).alias("SAIDI-S"),
        (pl.col("ci") / total).alias("SAIFI-1"),
        (pl.col("short") / total).alias("MAIFI"),
        (100 * pl.col("frequent") / total).alias("CEMI_3"),
    )


PEERS: dict[str, tuple[str, Callable[[Path], pl.DataFrame]]] = {
    "Fudian": ("polars", fudian),
    "DuckDB SQL": ("duckdb", duckdb_sql),
    "pandas": ("pandas", bare_pandas),
    "Polars": ("polars", bare_polars),
}


# -- measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What one peer took: seconds of the clock and of the processor, and memory besides that of an idle process."""

    seconds: float
    processor_s: float
    peak_mb: float


def alone(peer: str, folder: Path) -> Found | None:
    """Let one peer work in a process of its own; its answer stands in the folder."""
    command = [sys.executable, "-m", "benchmarks.indices", "--only", peer, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}; out of memory?"])[-1]
        print(f"{peer} failed: {said}", file=sys.stderr)
        return None
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def work(peer: str, folder: Path) -> Found:
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, processor = time.perf_counter(), time.process_time()
    answer = PEERS[peer][1](folder)
    took = Found(time.perf_counter() - clock, time.process_time() - processor, 0.0)
    took.peak_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024
    answer.select(*KEYS, *FIGURES).sort(KEYS).write_parquet(folder / f"{peer}.parquet")
    return took


def held_mb(folder: Path) -> float:
    """Return how much memory the interruptions take when they are merely read: 16 bytes for a text, 8 for a number."""
    table = pl.read_parquet_schema(folder / "interruptions.parquet")
    sizes: dict[object, float] = {pl.String: 16.0, pl.Boolean: 1 / 8}
    rows = pl.scan_parquet(folder / "interruptions.parquet").select(pl.len()).collect().item()
    return float(
        rows
        * sum(sizes.get(type(kind) if not isinstance(kind, type) else kind, 8.0) for kind in table.values())
        / 2**20
    )


def differences(folder: Path, peers: dict[str, Found]) -> list[str]:
    """Return the figures in which a peer differs from Fudian."""
    ours = pl.read_parquet(folder / "Fudian.parquet")
    found = []
    for peer in peers:
        theirs = pl.read_parquet(folder / f"{peer}.parquet")
        if theirs.select(KEYS).rows() != ours.select(KEYS).rows():
            found.append(f"{peer}: other rows")
            continue
        found += [
            f"{peer}: {name}"
            for name in FIGURES
            if not np.allclose(theirs[name].to_numpy(), ours[name].to_numpy(), rtol=1e-9, atol=0)
        ]
    return found


def measure(rows: int, console: Console, customers: bool = False) -> tuple[dict[str, Found], float]:
    """Write the seeded tables, let every peer work, compare, and print; return what they took and the size of the input."""
    title = f"{rows:,} interruptions of {rows // INTERRUPTIONS_PER_USER:,} users" + (
        f" that stand for {CUSTOMERS_PER_TRANSFORMER} customers each" if customers else ""
    )
    results: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, frame in zip(("interruptions", "users"), seeded(rows, customers), strict=True):
            frame.write_parquet(folder / f"{kind}.parquet")
        del frame
        for peer, (module, _) in PEERS.items():
            if customers and peer != "Fudian":
                continue
            if importlib.util.find_spec(module) is None:
                console.print(f"{peer} is not installed: left out")
            elif (result := alone(peer, folder)) is not None:
                results[peer] = result
        wrong = differences(folder, results)
        for difference in wrong:
            console.print(f"[bold red]{difference} differs")
        if wrong or "Fudian" not in results:
            sys.exit(1)
        held = held_mb(folder)
    console.print(f"{title}: all answers agree")
    table = Table("who", "time", "processor", "peak memory", "times Fudian's", "of the input", title=title)
    ours = results["Fudian"]
    for peer, took in results.items():
        table.add_row(
            peer, f"{took.seconds:,.2f} s", f"{took.processor_s:,.2f} s", f"{took.peak_mb:,.0f} MB",
            f"{took.seconds / ours.seconds:,.2f}", f"{took.peak_mb / held:,.1f}",
        )  # fmt: skip
    console.print(table)
    return results, held


def judge(by_size: dict[int, tuple[dict[str, Found], float]], weighted: Found, console: Console) -> None:
    """Print the targets at the largest size, met or missed and by how much."""
    rows = max(by_size)
    results, held = by_size[rows]
    ours = results["Fudian"]
    lines: list[tuple[str, float, float, bool]] = []
    for peer, wanted in (("DuckDB SQL", 1.0), ("pandas", 5.0)):
        if peer in results:
            lines.append((f"times faster than {peer}", results[peer].seconds / ours.seconds, wanted, True))
            lines.append(("  in time of the processor", results[peer].processor_s / ours.processor_s, wanted, True))
    lines.append(("peak memory, in times of the input", ours.peak_mb / held, 3.0, False))
    least = min(by_size)
    if least < rows:
        growth = ours.processor_s / by_size[least][0]["Fudian"].processor_s / (rows / least)
        lines.append((f"cost of a row beside {least:,} rows", growth, 1.5, False))
    lines.append(("customers by weights, beside transformers", weighted.processor_s / ours.processor_s, 2.0, False))
    table = Table("target", "reached", "wanted", "", title=f"targets, at {rows:,} interruptions")
    for name, reached, wanted, at_least in lines:
        met = reached >= wanted if at_least else reached <= wanted
        by = "met" if met else f"missed by a factor of {wanted / reached if at_least else reached / wanted:,.2f}"
        table.add_row(name, f"{reached:,.2f}", f"{'at least' if at_least else 'at most'} {wanted:,.2f}", by)
    console.print(table)


def main() -> None:
    """Measure all sizes, or one peer alone for the process that measures it."""
    if sys.argv[1:2] == ["--only"]:
        print(json.dumps(work(sys.argv[2], Path(sys.argv[3])).__dict__))
        return
    console = Console(width=120)
    sizes = [int(size) for size in sys.argv[1:]] or [100_000, 1_000_000]
    by_size = {rows: measure(rows, console) for rows in sizes}
    weighted, _ = measure(max(sizes), console, customers=True)
    judge(by_size, weighted["Fudian"], console)


if __name__ == "__main__":
    main()
