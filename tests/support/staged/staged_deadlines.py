"""Gives clients, providers and another server that is just stopping a tenth of the time."""

from __future__ import annotations

from app import serving
from app.core.outbound import client
from app.edge import deadlines

client.FIRST_PAUSE /= 10
serving.SECONDS_TO_WAIT /= 10
_defaults = client.Outbound.__init__.__kwdefaults__
assert _defaults
_defaults["deadline"] /= 10
for _name, _value in list(vars(deadlines).items()):
    if isinstance(_value, float):
        setattr(deadlines, _name, _value / 10)
