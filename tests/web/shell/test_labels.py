"""How values are shown."""

from __future__ import annotations

from app.web.shell.labels import breakable_url


def test_url_breaks_after_slashes_and_before_parameters() -> None:
    shown = breakable_url("https://voice.example/telephony/a-b?x=1&y=<2>")
    assert shown == (
        'https://<wbr>voice.example/<wbr>telephony/<wbr><span class="pb-whole">a-b?</span><wbr>'
        "x=1&amp;<wbr>y=&lt;2&gt;"
    )
    assert breakable_url("a-b/<c>") == "a-b/&lt;c&gt;"
