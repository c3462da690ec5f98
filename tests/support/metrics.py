"""`/metrics` as Prometheus reads it."""

from __future__ import annotations

from flask.testing import FlaskClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

HERE = {"REMOTE_ADDR": "127.0.0.1"}


def scrape(client: FlaskClient) -> dict[str, Metric]:
    """Returns the families by name, those of counters without `_total`."""
    response = client.get("/metrics", environ_base=HERE)
    assert response.status_code == 200
    families = list(text_string_to_metric_families(response.text))
    named = {family.name: family for family in families}
    assert len(named) == len(families)
    return named


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    """Returns the values by those of the labels, in the order of the labels' names."""
    return {tuple(value for _, value in sorted(one.labels.items())): one.value for one in family.samples}
