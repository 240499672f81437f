"""The settings of the repair side: every rule that the field leaves open, named, with its default (``fudian.toml``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from network.tables.settings import Settings

HOURS_A_DAY = 24


class LocationSettings(Settings):
    """Rates that fault-section location takes where the tables do not give them."""

    subject = "location"

    miss_rate: float = Field(0.05, gt=0, lt=0.5, description="share of faults that a sensor does not report")
    false_rate: float = Field(0.05, gt=0, lt=0.5, description="share of faults elsewhere that a sensor reports")
    trip_miss_rate: float = Field(0.02, gt=0, lt=0.5, description="share of faults that a device does not trip for")
    trip_false_rate: float = Field(0.001, gt=0, lt=0.5, description="share of faults elsewhere that a device trips for")
    overreach_rate: float = Field(
        0.2, gt=0, lt=1, description="share of faults beyond a nearer device for which a device trips as well"
    )
    upstream_flag_rate: float = Field(
        0.5,
        ge=0,
        le=1,
        description="how probable it is that sensors above the device that cleared a fault keep their flag",
    )
    dark_miss_rate: float = Field(
        0.05, gt=0, lt=0.5, description="share of dead transformers that a reading shows live"
    )
    dark_false_rate: float = Field(0.01, gt=0, lt=0.5, description="share of live transformers that are reported dark")
    call_miss_rate: float = Field(0.5, gt=0, lt=1, description="share of dead transformers from which nobody calls")
    call_false_rate: float = Field(
        0.05, gt=0, lt=0.5, description="share of live transformers from which somebody calls"
    )
    patrol_error_rate: float = Field(
        0.02, gt=0, lt=0.5, description="share of looks at a device on the line that name the wrong side of it"
    )
    look_miss_rate: float = Field(
        0.05, gt=0, lt=0.5, description="share of looks at a section with the fault in which a crew does not find it"
    )
    look_false_rate: float = Field(
        0.001,
        gt=0,
        lt=0.5,
        description="share of looks at a section without the fault in which a crew says it found it",
    )
    history_weight: float = Field(
        20.0,
        gt=0,
        description="a default rate of a sensor is worth so many observations when its own history is learned",
    )
    second_fault_rate: float = Field(
        0.01, ge=0, lt=1, description="how probable a second fault on the same feeders is before any signal is heard"
    )
    no_fault_prior: float = Field(
        0.5, gt=0, lt=1, description="how probable it is that nothing happened at all, before any signal is heard"
    )
    failures_per_km_yr: float = Field(0.1, gt=0, description="failures per km and year of a line without its own rate")
    device_failures_yr: float = Field(0.002, gt=0, description="failures per year of a switching device")


class RestorationSettings(Settings):
    """What a restoration plan takes where the field or the tables leave it open."""

    subject = "restoration"

    objective: Literal["customers", "kw"] = Field("customers", description="what shall come back: customers or kW")
    important_weight: int = Field(10, ge=1, le=1000, description="an important customer counts as so many")
    early_first: bool = Field(
        True,
        description="true: of plans that bring back as much, the one that does so sooner; false: fewer operations first",
    )
    remote_min: float = Field(1.0, ge=0, description="minutes until remote operations are done")
    manual_min: float = Field(30.0, ge=0, description="minutes until operations on site are done")
    repair_h: float = Field(3.0, gt=0, description="hours of repair where the faulted branch has no repair_h")
    power_factor: float = Field(0.95, gt=0, le=1, description="power factor of every load, lagging")
    load_share: float = Field(0.4, gt=0, le=2, description="kW per kVA of a transformer without load_kw")
    load_kw: float = Field(50.0, ge=0, description="kW of a transformer with neither load_kw nor capacity_kva")
    voltage_kv: float = Field(10.0, gt=0, description="nominal voltage where the feeder gives none")
    min_voltage_pu: float = Field(
        0.93, ge=0.5, le=1, description="lowest voltage of a node that is fed, of nominal (10 kV: 7 % below)"
    )
    transfer_allowed: Literal["never", "make_before_break", "with_short_interruption"] = Field(
        "make_before_break",
        description="whether live load is moved to make room: never; only through ties that may be closed while both sides are "
        "live; or with a short interruption too, never of important or sensitive customers",
    )
    cold_load: tuple[tuple[float, float], ...] = Field(
        ((0.0, 1.0), (1.0, 1.3), (4.0, 1.6)),
        description="hours without supply, with what comes back then takes at first over its load of the hour",
    )
    planning_load: Literal["highest", "worst_hour", "typical"] = Field(
        "highest",
        description="load at which N-1 and planned work are judged, which name no hour of their own: each transformer at its "
        "highest hour of load_profile, as a plan without a moment; the hour of the year with most load; or the typical load",
    )
    interruption_cost: float = Field(
        0.1,
        ge=0,
        le=10,
        description="what a customer (or kW) that is cut off for a moment to move its load costs, beside one that is back",
    )
    transfer_chain: int = Field(
        3, ge=2, le=5, description="feeders, at most, along which load is moved one to the next"
    )
    search_nodes: int = Field(
        1000,
        ge=1,
        description="nodes of a search tree after which it ends: work is counted, so that a busy machine finds the same",
    )


class WeakSpotSettings(Settings):
    """From where on a line, a transformer, a voltage or a radius is a weak spot 薄弱环节."""

    subject = "weak_spots"

    heavy_share: float = Field(
        0.8, gt=0, lt=1, description="load over rating from which a line or a transformer is heavily loaded"
    )
    max_voltage_pu: float = Field(
        1.07, ge=1, le=1.5, description="highest voltage of the medium-voltage side, of nominal (GB/T 12325)"
    )
    low_voltage_v: float = Field(198.0, gt=0, description="lowest voltage of users at 220 V (GB/T 12325: 10 % below)")
    high_voltage_v: float = Field(235.4, gt=0, description="highest voltage of users at 220 V (GB/T 12325: 7 % above)")
    long_radius_km: float = Field(15.0, gt=0, description="supply radius beyond which a feeder is long")
    nominal_v: float = Field(220.0, gt=0, description="nominal voltage of users, phase to neutral")
    generation_hours: tuple[int, int] = Field(
        (9, 16), description="hours of the day from and until which generation may give all that it can"
    )
    light_load_share: float = Field(
        0.3, ge=0, le=1, description="light load in those hours over the typical load, where no load curve tells it"
    )
    generation_power_factor: float = Field(
        0.95, gt=0, le=1, description="lowest power factor at which generation may take reactive power (GB/T 29319)"
    )

    @field_validator("generation_hours")
    @classmethod
    def _in_a_day(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= hours[0] < hours[1] <= HOURS_A_DAY:
            raise ValueError("these are two hours of a day, the first before the second, such as [9, 16]")
        return hours


class InferenceSettings(Settings):
    """Rates and bars of outage inference (field reference 6.2 and 6.3; none of them has an official value)."""

    subject = "inference"

    suspected: float = Field(0.5, gt=0, lt=1, description="probability from which an outage is suspected")
    confirmed: float = Field(0.95, gt=0, lt=1, description="probability from which an outage is confirmed")
    window_min: float = Field(5.0, gt=0, description="minutes within which signals tell of one moment")
    quiet_min: float = Field(
        30.0, gt=0, description="minutes without a signal after which an event is over, if all have supply again"
    )
    stale_after_h: float = Field(
        72.0, gt=0, description="hours without a word after which an incident is stale: later signals begin a new one"
    )
    heard_within_h: float = Field(
        24.0, gt=0, description="a terminal that was heard from within so many hours before should report an outage"
    )
    min_outage_min: float = Field(1.0, ge=0, description="shorter reports of off and on again are left out, in minutes")
    skew_limit_min: float = Field(5.0, ge=0, description="a signal may be ahead of the clock by so many minutes")
    plan_margin_min: float = Field(15.0, ge=0, description="planned work may begin earlier by so many minutes")
    overrun_h: float = Field(
        12.0,
        ge=0,
        description="planned work explains an outage so many hours after its end, if nothing came back since",
    )
    not_approved: tuple[str, ...] = Field(
        ("待审核", "已驳回", "已取消", "pending", "rejected", "cancelled"),
        description="states of a plan that explain no outage; a blank state does",
    )
    event_h: float = Field(1.0, gt=0, description="hours for which rates of failure and of false reports count")
    source_outages_yr: float = Field(
        0.005,
        gt=0,
        description="losses per year of a source or bus with all its feeders, without a word of their devices",
    )
    line_failures_yr: float = Field(0.05, gt=0, description="failures per year of a line of unknown length")
    failures_per_km_yr: float = Field(0.1, gt=0, description="failures per km and year of a line without its own rate")
    device_failures_yr: float = Field(0.002, gt=0, description="failures per year of a switching device")
    transformer_outages_yr: float = Field(2.0, gt=0, description="outages per year of a transformer of its own")
    outage_h: float = Field(
        1.0,
        gt=0,
        description="hours that an outage of a single transformer lasts: a lone report speaks less after that",
    )
    repair_h: float = Field(
        3.0,
        gt=0,
        description="hours of repair, on average, where the faulted branch has no repair_h; till then it stays dead",
    )
    customer_outages_yr: float = Field(4.0, gt=0, description="outages per year of a customer alone")
    low_voltage_outages_yr: float = Field(
        0.3, gt=0, description="outages per year of some customers of a transformer together (a box, a phase)"
    )
    temporary: float = Field(0.3, ge=0, lt=1, description="share of faults that are gone after a reclosing")
    fuse_saving: float = Field(
        0.3, ge=0, lt=1, description="share of faults beyond a fuse or recloser for which one above trips and recloses"
    )
    overreach_rate: float = Field(
        0.1, ge=0, lt=1, description="share of faults beyond a nearer device for which one above opens as well"
    )
    not_cleared: float = Field(0.01, gt=0, lt=1, description="share of faults that the nearest device does not clear")
    parted_share: float = Field(
        0.05, ge=0, lt=1, description="faults without fault current (a parted line), per fault with"
    )
    opened_otherwise: float = Field(1e-6, gt=0, lt=1, description="probability that a device is opened without a word")
    closed_again: float = Field(0.1, gt=0, lt=1, description="share of outages of which all but the end was heard")
    transferred: float = Field(0.1, gt=0, lt=1, description="probability that a part is fed another way, per device")
    generator_set: float = Field(
        1e-4, gt=0, lt=1, description="probability that a part without a tie is fed another way, per device"
    )
    left_dead: float = Field(
        0.3, gt=0, lt=1, description="probability that a part with a fault is parted from what is back, per device"
    )
    trip_loss: float = Field(0.03, gt=0, lt=1, description="share of trips and reclosings that are not reported")
    fuse_trip_loss: float = Field(0.95, gt=0, lt=1, description="the same for fuses, which seldom report")
    false_trip: float = Field(1e-7, gt=0, lt=1, description="probability of a false word of a device within an event")
    flag_miss: float = Field(0.1, gt=0, lt=1, description="fault currents that a sensor without its own rate misses")
    flag_false: float = Field(0.03, gt=0, lt=1, description="fault currents elsewhere that such a sensor reports")
    flag_kept: float = Field(0.7, ge=0, le=1, description="flags kept once a device further down has cleared the fault")
    qualities: tuple[tuple[float, float, float], ...] = Field(
        ((0.4, 0.02, 0.1), (0.2, 0.05, 0.4), (0.2, 0.45, 0.15), (0.2, 0.97, 0.3)),
        description="how feeders report, each with its prior: transformers without a working terminal, last gasps lost",
    )
    calls: tuple[tuple[float, float], ...] = Field(
        ((0.45, 0.001), (0.3, 0.1), (0.1, 1.0), (0.15, 3.0)),
        description="how readily customers without supply call, each with its prior: calls per customer and hour by day",
    )
    calls_of_one: float = Field(2.0, gt=0, description="calls per hour of a customer who alone has no supply")
    on_loss: float = Field(0.1, gt=0, lt=1, description="power-on reports that never arrive")
    false_off: float = Field(
        0.00006, gt=0, lt=1, description="probability that a terminal says off within an event while it is live"
    )
    coincidence: float = Field(
        0.05,
        gt=0,
        le=1,
        description="how much less probable an outage of its own, or a false report, is within a minute of another's",
    )
    wrong_place: float = Field(
        0.0005, ge=0, lt=1, description="terminals registered at another transformer than the one they hang on"
    )
    false_on: float = Field(0.003, gt=0, lt=1, description="probability of a power-on report without power")
    read_error: float = Field(0.01, gt=0, lt=0.5, description="readings that are answered without power (wrong place)")
    unanswered: float = Field(0.1, gt=0, lt=1, description="readings that are not answered although there is power")
    reopen_reads: int = Field(
        2, ge=1, description="unanswered readings of a user, one after the other, that open a closed incident again"
    )
    meter_reports: float = Field(0.3, gt=0, lt=1, description="meters that report when they lose power")
    delivery_s: float = Field(20.0, gt=0, description="mean delay of a report, in seconds")
    batch_share: float = Field(0.2, ge=0, lt=1, description="share of concentrators that deliver in batches")
    batch_min: float = Field(12.0, gt=0, description="minutes between the batches of these")
    false_calls_per_day: float = Field(0.0005, gt=0, description="calls of a customer with power, per day")
    night_factor: float = Field(0.1, gt=0, le=1, description="calls between 0 and 6 o'clock, per call by day")
    channel_fails: float = Field(
        0.003, ge=0, lt=1, description="probability that reports of neighbouring transformers fail together, per branch"
    )
    channel_works: float = Field(0.05, ge=0, lt=1, description="probability that such a failure ends, per branch")
    generation: float = Field(
        1e-4, gt=0, lt=1, description="transformers that are live without supply from the network"
    )


Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
"""From one time of the day until another: ``18:00-21:00``."""


class PlannedSettings(Settings):
    """What the check of planned outages and their calendar take where the field leaves it open (4.3 to 4.5)."""

    subject = "planned"

    void_states: tuple[str, ...] = Field(
        ("已驳回", "已取消", "已完成", "rejected", "cancelled", "completed"),
        description="states of a plan that will not be carried out any more",
    )
    transfer_min: float = Field(
        5.0,
        ge=0,
        description="minutes without supply for those who are transferred, once there and once back; 0 where ties are closed "
        "before feeders are opened",
    )
    merge_window_days: int = Field(30, ge=1, description="work within so many days may be done in one outage (4.3)")
    merge_most: int = Field(6, ge=2, le=10, description="jobs in one outage, at most")
    frequent_preset: Literal["nea", "sgcc"] = Field("nea", description="rules of frequent outages to be kept (4.4)")
    peak_hours: tuple[Clock, ...] = Field(
        ("18:00-21:00",), description="hours of peak load in which work is pointed out"
    )
    holidays: tuple[date, ...] = Field((), description="days on which nobody is cut off for planned work")
    utility_profile: Literal["xihua", "shenqiu", "other"] = Field(
        "other", description="whose grading of plans applies: xihua, shenqiu, or only what both have in common (4.5)"
    )
    default_grade: Literal["monthly", "weekly"] = Field(
        "monthly", description="grade of planned work that the profile says nothing about (4.5)"
    )
    generator_kva: float | None = Field(
        None, gt=0, examples=[400.0], description="kVA of a mobile low-voltage generator; blank: none"
    )
    generators: int = Field(1, ge=1, description="generators that can be used at once")
    generator_cost_per_day: float | None = Field(
        None, ge=0, examples=[3000.0], description="cost of a generator for each day begun"
    )
    generator_cost_per_h: float | None = Field(
        None, ge=0, examples=[200.0], description="cost of a generator for each hour besides"
    )
    mobile_substation_kva: float | None = Field(
        None, gt=0, examples=[5000.0], description="kVA of a mobile substation car; blank: none"
    )
    mobile_substation_cost_per_day: float | None = Field(
        None, ge=0, examples=[8000.0], description="cost of the car for each day begun"
    )
    mobile_substation_cost_per_h: float | None = Field(
        None, ge=0, examples=[500.0], description="cost of the car for each hour besides"
    )
    monthly_budget: Literal["keep", "tell"] = Field(
        "keep",
        description="the calendar keeps the budget of each month as it keeps that of the year, or only tells (4.2)",
    )
    jobs_per_day: int | None = Field(
        None, ge=1, examples=[3], description="jobs that a unit can do on one day; blank: as many as it has crews"
    )
    shift_days: int = Field(
        14, ge=0, le=366, description="days by which the calendar may move a plan that states no dates of its own"
    )
    solver_nodes: int = Field(
        1000, ge=1, description="nodes of the search tree after which the search for one calendar or grouping ends"
    )


class CrewSettings(Settings):
    """What the dispatch of crews takes where the tables and the field leave it open (5.1, 5.4)."""

    subject = "crews"

    speed_kmh: float = Field(35.0, gt=0, description="mean speed on the road")
    road_factor: float = Field(1.3, ge=1, description="kilometres of road per kilometre as the crow flies")
    unknown_travel_min: float = Field(
        30.0, ge=0, description="minutes of travel where a place has no coordinates and no row of travel"
    )
    turnout_min: float = Field(5.0, ge=0, description="minutes until a crew at its base can leave")
    look_min: float = Field(5.0, ge=0, description="minutes to look at a section, besides its length")
    patrol_min_per_km: float = Field(20.0, ge=0, description="minutes to walk a kilometre of a section")
    least_probability: float = Field(
        0.02, ge=0, lt=0.5, description="sections less probable than this are not on the crew's way"
    )
    remote_first_probability: float = Field(
        0.9, gt=0, le=1, description="from this probability of a section on, remote operations wait for no crew"
    )
    low_voltage_repair_h: float = Field(1.0, gt=0, description="hours of repair at a transformer or a customer")
    least_repair_min: float = Field(
        10.0, ge=0, description="minutes of repair that are left where a crew is at work for longer than was expected"
    )
    come_back: bool = Field(True, description="a crew may switch at another fault before it repairs the first")
    keep_zones: bool = Field(
        False, description="crews stay in their own zones; false: they also help in others, by hours saved"
    )
    dispatch: Literal["person", "automatic"] = Field(
        "person",
        description="who sends crews: a person, or the plan by itself to confirmed incidents that nobody decided on",
    )
    arrival_profile: Literal["sgcc", "gbt28583", "custom"] = Field(
        "sgcc", description="limits of arrival: sgcc 45/90/120 min, gbt28583 60/120/240 min, custom (5.1)"
    )
    arrival_urban_min: float = Field(45.0, gt=0, description="limit of arrival in towns and cities, for custom")
    arrival_rural_min: float = Field(90.0, gt=0, description="limit of arrival in the country, for custom")
    arrival_remote_min: float = Field(120.0, gt=0, description="limit of arrival in remote areas, for custom")
    warning_min: float = Field(10.0, ge=0, description="minutes before the limit of arrival from which it is warned of")
    position_good_min: float = Field(
        30.0, ge=0, description="minutes for which a crew is taken to be where it said that it was"
    )
    search_steps: int = Field(6000, ge=0, description="steps of the search where there are too many faults to be exact")
    search_limit_s: float = Field(1.8, gt=0, description="seconds of the processor after which the search ends")


class RestorationTimeSettings(Settings):
    """What the estimate of restoration times takes."""

    subject = "restoration_time"

    coverage: float = Field(0.8, gt=0.1, lt=1, description="share of ranges that shall hold")
    least_history: int = Field(
        300, ge=50, description="moments of past faults from which a model is learned; below, medians by cause"
    )
    least_of_cause: int = Field(
        5, ge=1, description="moments of past faults from which a cause has a median of its own"
    )
    calibration_share: float = Field(
        0.25, gt=0.05, lt=0.9, description="the newest part of the past, by which the range is calibrated"
    )
    trees: int = Field(120, ge=10, le=2000, description="trees of each boosted model")
    depth_factor: float = Field(
        3.0, gt=1, description="so many times more open faults than usual are out of the model's depth"
    )
    depth_least: float = Field(5.0, ge=0, description="so few open faults never are out of depth")


class MessageSettings(Settings):
    """What customers are told, when, and over which channel."""

    subject = "messages"

    to: str = Field(
        "",
        description="channel: a gateway that takes JSON (https://…), an address of apprise (wecombot://…, dingtalk://…, "
        "feishu://…, mailto://…, mqtt://…), or a file seen from the workspace, a line a message; blank: nobody is told anything",
    )
    language: Literal["zh", "en"] = Field("zh", description="language of the messages")
    unit: str = Field("", description="who signs the messages; blank: the power utility")
    hotline: str = Field("95598", description="telephone number for questions")
    page: str = Field(
        "",
        pattern=r"^(https?://[^/\s?#]+)?$",
        description="address under which customers reach this server (https://outage.example): messages lead to the public page "
        "of their incident; blank: they lead nowhere",
    )
    page_after_close_h: float = Field(
        24.0, ge=0, description="hours after the closing of an incident for which its public page can be seen"
    )
    fault_from: Literal["accepted", "dispatched", "taken", "arrived", "located"] = Field(
        "dispatched", description="stage of an incident from which customers are told of the fault"
    )
    progress_stages: tuple[str, ...] = Field(
        ("arrived", "located", "partly_restored"), description="stages of an incident of which customers are told"
    )
    estimate_change_min: float = Field(
        30.0, ge=0, description="customers are told when the estimate of restoration moves by more than so many minutes"
    )
    quiet_from: str = Field(
        "22:00",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="messages wait from this time of day; blank: never",
    )
    quiet_until: str = Field(
        "07:00",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="until this one; a fault is told to important customers at once",
    )
    cancelled: tuple[str, ...] = Field(("已取消", "cancelled"), description="states of a plan that was called off")
    announce_plans: bool = Field(
        True, description="approved plans are announced by themselves; false: when a dispatcher announces them"
    )
    announce_ahead_h: float = Field(
        48.0, ge=0, description="hours before notice has to be given at which a plan is announced by itself"
    )
    notices: str = Field(
        "",
        description="channel of notices for transformers, where it is another than to: {id} in an address is the transformer",
    )
    timeout_s: float = Field(10.0, gt=0, le=300, description="seconds within which the gateway answers")
    first_wait_s: float = Field(
        5.0, gt=0, description="seconds until a message that failed is tried again; then twice that"
    )
    longest_wait_s: float = Field(600.0, gt=0, description="seconds between two tries at most")
    give_up_h: float = Field(
        24.0, gt=0, description="hours after which a message that cannot be delivered has failed: what it says is old"
    )
    at_once: int = Field(8, ge=1, le=64, description="messages that are under way to the gateway at one time")
