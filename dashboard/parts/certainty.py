"""How sure it is who is off by an event, where else it may begin, which signals are doubted, and what would settle most."""

from __future__ import annotations

from dash import html

from dashboard.parts.blocks import Part, compose, strong
from dashboard.parts.words import moment, number, word
from network import translate
from repair.desk.board import Entry
from repair.inference.outage import InferredOutage

_REASON_NAMES = {
    "trip_contradicted": "A device that tripped is not open: users below it have supply.",
    "read_during": "It answered a reading while it was said to be off.",
    "reclosed": "The device closed again.",
    "overrun": "The planned work should have ended.",
    "record": "A record of the statistics ended it.",
    "stale": "Nothing was heard of it for long: read it, or close it.",
    "phases": "Not all phases are lost.",
}
_DOUBTED = 4
NOTEWORTHY = 0.005
"""What is less probable is not told."""


def off_facts(entry: Entry, language: str) -> list[tuple[str, str]]:
    """Return how many transformers and customers are off: by the list, by how sure it is, as expected; who is back."""
    return [*_off_now(entry, language), *_fed_again(entry, language)]


def _fed_again(entry: Entry, language: str) -> list[tuple[str, str]]:
    """Return whom operations fed again, moment by moment."""
    return [
        (
            translate("Back by switching, {moment}", language, moment=moment(fed.at)),
            translate(
                "{transformers} transformers · {customers} customers",
                language,
                transformers=f"{len(fed.transformer_ids):,}",
                customers=f"{fed.customers:,}",
            ),
        )
        for fed in (entry.incident.fed_again if entry.incident else ())
    ]


def _off_now(entry: Entry, language: str) -> list[tuple[str, str]]:
    listed = f"{len(entry.affected.hit.transformers):,}"
    affected = entry.affected if entry.incident is None or entry.end is not None else entry.incident.affected
    if affected.sure is None:
        return [(translate("Transformers off", language), listed)]
    groups = {name: len(ids) for name, ids in affected.grouped().items()}
    facts = [
        (translate("Transformers off", language), listed),
        (
            translate("certain · probable · doubtful", language),
            " · ".join(f"{groups[name]:,}" for name in ("certain", "probable", "doubtful")),
        ),
    ]
    if not affected.network.customers.is_empty():
        expected = affected.expected_customers
        facts.append((translate("Customers off, expected", language), number(expected, 1)))
    return facts


def doubts(entry: Entry, language: str) -> Part:
    """Return what is not certain of an event by signals, in sentences; nothing where all is."""
    if entry.incident is None:
        return None
    outage = entry.incident.outage
    said: list[Part] = []
    if outage.reason in _REASON_NAMES:
        said += [html.B(translate(_REASON_NAMES[outage.reason], language)), " "]
    if outage.phases:
        said += [translate("Phases lost: {phases}.", language, phases=outage.phases), " "]
    if outage.approximate:
        said.append(
            translate(
                "Rings or users of two feeders allow too many cases: only the most probable count, so shares are approximate. ",
                language,
            )
        )
    said += _beginning(outage, language)
    for each in outage.doubted[:_DOUBTED]:
        said += compose(
            "Thought to be wrong: {kind} of {object} at {moment}. ",
            language,
            kind=word(each.kind, language),
            object=strong(each.object_id),
            moment=moment(each.time, seconds=True),
        )
    if len(outage.doubted) > _DOUBTED:
        said.append(translate("{count} more signals are doubted. ", language, count=len(outage.doubted) - _DOUBTED))
    if outage.next_read and outage.is_open:
        said += compose(
            "Read {object} next: it tells most about who is off.", language, object=strong(outage.next_read)
        )
    return html.P(said, className="quiet") if said else None


def _beginning(outage: InferredOutage, language: str) -> list[Part]:
    if not outage.is_open or outage.runner_up is None or outage.runner_up.probability < NOTEWORTHY:
        return []
    return compose(
        "It begins at {object} ({share}), or else at {other} ({other_share}). ",
        language,
        object=strong(outage.object_id),
        share=f"{outage.probability * 100:.0f}%",
        other=strong(outage.runner_up.object_id),
        other_share=f"{outage.runner_up.probability * 100:.0f}%",
    )
