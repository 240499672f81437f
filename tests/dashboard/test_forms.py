"""Answers have the fields that their routes promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from fastapi.encoders import jsonable_encoder

import fudian
from dashboard import forms
from data_samples.generator.county import COUNTY
from fudian import Utility

TRIP = [{"time": "2022-03-01 08:00", "object": "branch", "object_id": "F03-K02", "kind": "trip"}]

ASKED: dict[str, tuple[type[forms.Form], Callable[[Utility], Any]]] = {
    "check": (forms.Check, lambda utility: utility.check()),
    "indices": (forms.Indices, lambda utility: utility.indices("2022", "region_class")),
    "ledger": (forms.Ledger, lambda utility: utility.ledger(event="TD00019")),
    "targets": (forms.Targets, lambda utility: utility.targets("jinhua-2022", wait_s=0.0)),
    "opened": (forms.Affected, lambda utility: utility.affected(open="F03-K02")),
    "fault": (forms.Affected, lambda utility: utility.affected(fault="F03-L05")),
    "signals": (forms.Affected, lambda utility: utility.affected(signals=TRIP)),
    "locate": (forms.Located, lambda utility: utility.locate(TRIP)),
    "infer": (forms.Incidents, lambda utility: utility.infer(TRIP)),
    "restore": (forms.Restoration, lambda utility: utility.restore("F03-L05")),
    "forecast": (forms.Forecast, lambda utility: utility.forecast("jinhua-2022", "2022-07-01")),
    "why": (forms.Why, lambda utility: utility.why("2021", "2022")),
    "bases": (forms.Rows, lambda utility: utility.bases()),
}


@pytest.fixture(scope="module")
def utility() -> Utility:
    return fudian.open(COUNTY, "en")


@pytest.mark.parametrize("question", ASKED)
def test_an_answer_has_what_is_promised(utility: Utility, question: str) -> None:
    form, ask = ASKED[question]
    written = orjson.dumps(ask(utility).as_dict(), jsonable_encoder, orjson.OPT_SERIALIZE_NUMPY)
    form.model_validate_json(written, strict=False)
    for name in form.model_fields:
        assert name in orjson.loads(written) or not form.model_fields[name].is_required()


def test_an_answer_without_a_promised_field_is_found(utility: Utility) -> None:
    answer = utility.affected(open="F03-K02").as_dict()
    del answer["customers"]
    with pytest.raises(ValueError, match="customers"):
        forms.Affected.model_validate(answer)
