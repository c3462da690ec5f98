"""What holds for every template."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string
from jinja2 import UndefinedError


def test_template_with_unknown_name_or_attribute_fails(app: Flask) -> None:
    wrong = ("{{ nothing }}", "{% if nothing %}{% endif %}", "{{ known.nothing }}", "{{ {}.nothing }}")
    with app.test_request_context():
        for source in wrong:
            with pytest.raises(UndefinedError):
                render_template_string(source, known=object())
        assert render_template_string("{{ known }}", known="text") == "text"
