"""What terminals, meters and callers said and did not say, as log-likelihoods of the states of their transformer (6.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.devices import EVER
from repair.inference.rates import HOURS_PER_YEAR
from repair.inference.states import BACK, BACK_UNHEARD, DARK, LIVE, STATES, UNHEARD
from repair.inference.words import CALL, OFF, ON, READ, UNANSWERED, Rows, is_of
from repair.settings import InferenceSettings

Quality = tuple[float, float, float]
"""How a feeder reports: prior, transformers without a working terminal, last gasps lost."""

HOUR = 3_600_000
"""Milliseconds."""

IMPOSSIBLE = 1e-4
"""Likelihood of a report through a channel that is down."""

READS_COUNTED = 2
"""Readings of one device that count, at most: the next ones share their error."""


@dataclass(frozen=True, eq=False, repr=False)
class Said(Shown):
    """What devices said within some events, one row for each device and event; all of shape (speakers,).

    Attributes:
        event: number of the event, rising.
        device: number of the device, rising within each event.
        offs: how often off was reported after a sign of power, or first.
        last_off, last_on: when it said so last, in ms; ``-EVER`` where it did not.
        answered: when a reading was answered last, ``-EVER`` where none was.
        answers: how many were.
        unanswered: readings without an answer since the last sign of power.
        asked: when the last of these was, ``-EVER`` where there was none.
        call: when somebody called last; ``-EVER`` where nobody did.
        first: the first word off or call.
    """

    event: Indices
    device: Indices
    offs: Indices
    last_off: Indices
    last_on: Indices
    answered: Indices
    answers: Indices
    unanswered: Indices
    asked: Indices
    call: Indices
    first: Indices

    @classmethod
    def of(cls, event: Indices, rows: Rows) -> Said:
        """Gather the words of each device; rows stand by event, device and time."""
        count = len(event)
        begins = np.ones(count, dtype=np.bool_)
        begins[1:] = (event[1:] != event[:-1]) | (rows.device[1:] != rows.device[:-1])
        head = np.flatnonzero(begins)
        group = np.cumsum(begins) - 1
        kind, time = rows.kind, rows.time

        def latest(*kinds: int) -> Indices:
            which = is_of(kind, *kinds)
            found = np.full(len(head), -EVER)
            np.maximum.at(found, group[which], time[which])
            return found

        def how_many(which: Mask) -> Indices:
            return np.bincount(group[which], minlength=len(head)).astype(np.int64)

        last_on, answered = latest(ON), latest(READ)
        power = np.maximum(last_on, answered)
        first = np.full(len(head), EVER)
        dark = (kind == OFF) | (kind == CALL)
        np.minimum.at(first, group[dark], time[dark])
        return cls(
            event[head],
            rows.device[head],
            how_many(kind == OFF),
            latest(OFF),
            last_on,
            answered,
            how_many(kind == READ),
            how_many((kind == UNANSWERED) & (time > power[group])),
            latest(UNANSWERED),
            latest(CALL),
            first,
        )

    def at(self, which: Mask | Indices) -> Said:
        """Return some of them."""
        return Said(*(column[which] for column in vars(self).values()))


@dataclass(frozen=True, eq=False, repr=False)
class Moment(Shown):
    """When some events are asked about.

    Attributes:
        at: the moment, in ms, shape (events,).
        onset: when the latest burst of signals of each began, shape (events,).
        begun: when the first did, shape (events,).
    """

    at: Indices
    onset: Indices
    begun: Indices

    def undelivered(self, rules: InferenceSettings) -> Numbers:
        """Return how probable it is that a report of the onset is still under way, shape (events,)."""
        age_s = np.maximum(self.at - self.onset, 0) / 1000
        straight = np.exp(-age_s / rules.delivery_s)
        batched = np.clip(1 - age_s / (rules.batch_min * 60), 0.0, 1.0)
        return np.asarray((1 - rules.batch_share) * straight + rules.batch_share * np.maximum(batched, straight))

    def since_h(self) -> Numbers:
        """Return the hours since the event began, shape (events,)."""
        return np.asarray(np.maximum(self.at - self.begun, HOUR // 60) / HOUR)

    def age_h(self) -> Numbers:
        """Return the hours within which customers call, shape (events,)."""
        return np.minimum(self.since_h(), 6.0)

    def night(self, rules: InferenceSettings) -> Numbers:
        """Return how many calls there are at that hour per call by day, shape (events,)."""
        hour = (self.begun // HOUR) % 24
        return np.where(hour < 6, rules.night_factor, 1.0)


def of_terminals(
    said: Said,
    moment: Moment,
    rules: InferenceSettings,
    quality: Quality,
    known: Mask,
    beside: Mask,
    together: Mask,
) -> Numbers:
    """Return the log-likelihoods of what each terminal said, but for readings, by state of its transformer, (terminals, 5).

    Args:
        said: words of terminals.
        moment: of the events.
        rules: rates.
        quality: how the feeder reports.
        known: whether each was heard from shortly before the event.
        beside: whether many others speak of an outage too: a terminal in the wrong place may mean one of those.
        together: whether another terminal said so just before.
    """
    off, on = said.last_off > -EVER, said.last_on > -EVER
    on_last = on & (said.last_on >= said.last_off)
    words = np.where(off, np.where(on_last, 1, 0), np.where(on, 2, 3))
    found: Numbers = _of_words(rules, quality)[words, known.astype(int), beside.astype(int), together.astype(int)]
    quiet = np.flatnonzero(words == 3)
    found[quiet] = silence(moment, rules, quality, known[quiet], said.event[quiet])
    return found


def _of_words(rules: InferenceSettings, quality: Quality) -> Numbers:
    """Return the log-likelihoods of off, of off and on, of on alone and of nothing, by state; nothing stands for itself.

    Shape (4, 2, 2, 2, 5): by whether a terminal was heard from shortly before, others speak too, and one did so just before.
    """
    _, absent, loss = quality
    known, beside, together = np.indices((2, 2, 2))
    missing = np.where(known, 0.1 * absent, absent)
    works, never, lost_on = (
        (1 - missing) * (1 - loss),
        np.full(missing.shape, IMPOSSIBLE),
        np.maximum(rules.on_loss, loss),
    )
    by_chance = rules.false_off * np.where(together, rules.coincidence, 1.0)
    false_off = (by_chance + np.where(beside, rules.wrong_place, 0.0)) * (1 - missing)
    silent_off = (missing + (1 - missing) * loss) * rules.false_on
    back = (1 - missing) * loss * (1 - lost_on)
    chances = (
        (false_off, works, never, works * lost_on, never),
        (false_off, works * rules.false_on, never * rules.false_on, works * (1 - lost_on), never),
        (rules.false_on * (1 - missing), silent_off, never * rules.false_on, back, never),
        (np.ones(missing.shape),) * STATES,
    )
    return np.asarray(np.log(np.stack([np.stack(each, axis=-1) for each in chances])))


def together(said: Said) -> Mask:
    """Return which terminals said off within a minute after another one of the same event."""
    off = np.flatnonzero(said.last_off > -EVER)
    order = off[np.lexsort((said.last_off[off], said.event[off]))]
    same = said.event[order][1:] == said.event[order][:-1]
    found = np.zeros(len(said.event), dtype=np.bool_)
    found[order[1:]] = same & (np.diff(said.last_off[order]) <= HOUR // 60)
    return found


def silence(
    moment: Moment,
    rules: InferenceSettings,
    quality: Quality,
    known: Mask,
    event: Indices,
) -> Numbers:
    """Return the log-likelihoods of the silence of terminals, by state of their transformer, shape (terminals, 5)."""
    _, absent, loss = quality
    missing = np.array([absent, 0.1 * absent])
    late = moment.undelivered(rules)[:, None]
    on_loss = max(rules.on_loss, loss)
    dark = missing + (1 - missing) * (loss + (1 - loss) * late)
    back = missing + (1 - missing) * (loss + (1 - loss) * late) * (on_loss + (1 - on_loss) * late)
    by_event = np.zeros((len(late), 2, STATES))
    by_event[:, :, DARK], by_event[:, :, BACK] = np.log(dark), np.log(back)
    found: Numbers = by_event[event, known.astype(int)]
    return found


def of_readings(said: Said, moment: Moment, rules: InferenceSettings) -> Numbers:
    """Return the log-likelihoods of answered and unanswered readings, shape (speakers, 5)."""
    own = np.where(said.last_off > -EVER, said.last_off, moment.onset[said.event])
    lives = (said.answered > own) * np.log(rules.read_error)
    unanswered = np.minimum(said.unanswered, READS_COUNTED) * np.log(rules.unanswered)
    found = np.zeros((len(said.event), STATES))
    found[:, DARK] = found[:, UNHEARD] = lives
    found[:, LIVE] = unanswered
    restored = np.full(len(moment.at), -EVER)
    np.maximum.at(restored, said.event, said.last_on)
    known = restored[said.event] > -EVER
    share = np.where(~known, 0.5, np.where(said.asked > restored[said.event], 1.0, 0.0))
    found[:, BACK] = found[:, BACK_UNHEARD] = share * unanswered
    return found


def of_customers(
    said: Said, moment: Moment, rules: InferenceSettings, restored: Indices
) -> tuple[Numbers, Numbers, Numbers]:
    """Return what each customer that spoke says, by state of the transformer, and if only this customer is off.

    Calls count here only for a live transformer, or for a customer alone; all calls from a dead one count in :func:`of_calls`.

    Args:
        said: words of customers.
        moment: of the events.
        rules: rates.
        restored: when something came on last, of each event; shape (events,).

    Returns:
        Log-likelihoods if the customer has what the transformer has, shape (customers, 5); if the customer alone is off, without
        the prior of that, and if it is with others, without calls and prior, each of shape (customers,).
    """
    night = np.log(moment.night(rules)[said.event])
    called, late = said.call > -EVER, np.log(rules.read_error)
    back = np.maximum(said.last_on, said.answered)
    off, on_last = said.last_off > -EVER, (said.last_on > -EVER) & (said.last_on >= said.last_off)
    found = np.zeros((len(said.event), STATES))
    found[:, LIVE] += np.where(called, np.log(rules.false_calls_per_day / 24) + night, 0.0)
    found[:, LIVE] += np.where(off, np.log(rules.false_off), 0.0)
    for state in (DARK, UNHEARD):
        found[:, state] += np.where(on_last & off, np.log(rules.false_on), 0.0)
        found[:, state] += np.where(called & (back > said.call) & ~off, np.log(rules.read_error), 0.0)
    for state in (BACK, BACK_UNHEARD):
        found[:, state] += np.where(off & ~on_last, np.log(0.5), 0.0)
        found[:, state] += np.where(
            called & (said.call > restored[said.event]) & (restored > -EVER)[said.event], late, 0.0
        )
    found[:, 1:] += np.where(off, np.log(rules.meter_reports), 0.0)[:, None]
    found += of_readings(said, moment, rules)
    alone = found[:, DARK] + np.where(called, np.log(rules.calls_of_one) + night, 0.0)
    return found, alone, found[:, DARK]


def of_calls(
    callers: Indices, customers: Indices, moment: Moment, event: Indices, rules: InferenceSettings
) -> tuple[Numbers, Numbers]:
    """Return the log-likelihood of so many callers among the customers of each transformer.

    How readily they call is not known: the mean over the rates of the settings, weighed by what those who call show of it.

    Returns:
        If all customers are dead, and if some part of them is, to which those who call belong; each of shape (transformers,).
    """
    night = moment.night(rules)[event]
    hours = moment.age_h()[event]
    prior, rate = (np.array(column)[:, None] for column in zip(*rules.calls, strict=True))
    said = callers * np.log(rate * night)
    everyone = said - rate * night * hours * customers
    shown = np.stack([np.bincount(event, np.where(callers > 0, part, 0.0), len(moment.at)) for part in everyone])
    weight = shown + np.log(prior)
    weight -= np.logaddexp.reduce(weight, axis=0)
    some = said - rate * night * hours * np.minimum(customers, 2 * callers)
    whole, part = (np.logaddexp.reduce(each + weight[:, event], axis=0) for each in (everyone, some))
    return np.asarray(whole), np.asarray(part)


def call_of_somebody(customers: Indices, moment: Moment, event: Indices, rules: InferenceSettings) -> Numbers:
    """Return the log-likelihood of calls booked at transformers with power, (transformers,): false, or of one who is off."""
    night = moment.night(rules)[event]
    of_one = rules.false_calls_per_day / 24 + own_outage(rules)[2] * rules.calls_of_one
    return np.asarray(np.log(np.maximum(customers, 1) * of_one * night))


def own_outage(rules: InferenceSettings) -> tuple[float, float, float]:
    """Return how probable an outage of its own is within an event: of a transformer, of some customers, of one customer."""
    hours = rules.event_h / HOURS_PER_YEAR
    return (
        rules.transformer_outages_yr * hours,
        rules.low_voltage_outages_yr * hours,
        rules.customer_outages_yr * hours,
    )


def transformer_speaks(
    own: Numbers, alone: Numbers, together: Numbers, several: Numbers, rules: InferenceSettings
) -> Numbers:
    """Return log P(all that was heard at a transformer | its own state), shape (transformers, 5).

    Args:
        own: what its terminal said, shape (transformers, 5).
        alone: sum over its customers that spoke of what each says if live or off alone, shape (transformers,).
        together: sum of what they say if they have what the transformer has, shape (transformers, 5).
        several: sum of what they say if just they are off together, shape (transformers,); minus infinity for fewer than two.
        rules: rates.
    """
    _, low_voltage, _ = own_outage(rules)
    found = own + together
    live = np.logaddexp(alone, several + np.log(low_voltage))
    found[:, LIVE] = own[:, LIVE] + live
    return found


def node_hears(
    heard: Numbers, rules: InferenceSettings, together: Mask, age_h: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return what each transformer says about the state of its node, and how probable it is dead, or back, in each state of it.

    Args:
        heard: log P(heard | own state), shape (transformers, 5).
        rules: rates.
        together: whether each went off together with another one.
        age_h: hours since each reported off, or since the event began; an outage of its own does not last for ever.

    Returns:
        log P(heard | state of the node), P(dead | state of the node, heard) and P(back | …); each of shape (transformers, 5).
    """
    from repair.inference.own_states import own_states

    fails = own_outage(rules)[0] * np.where(together, rules.coincidence, 1.0)
    back = np.clip(-np.expm1(-age_h / rules.outage_h), rules.closed_again, 0.95)
    hears, dead, gone = np.empty_like(heard), np.empty_like(heard), np.empty_like(heard)
    own_states(heard, fails, back, np.array([rules.generation, rules.generator_set]), hears, dead, gone)
    return hears, dead, gone
