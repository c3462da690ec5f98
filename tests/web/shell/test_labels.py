"""How values are shown."""

from __future__ import annotations

from app.web.shell.labels import breakable_url, short_url


def test_url_breaks_after_slashes_and_is_short_without_https() -> None:
    shown = breakable_url("https://voice.example/telephony/a-b?x=1&y=<2>")
    assert shown == (
        'https://voice.example/<wbr>telephony/<wbr><span class="pb-whole">a-b?</span><wbr>'
        "x=1&amp;<wbr>y=&lt;2&gt;"
    )
    assert breakable_url("a-b/<c>") == "a-b/&lt;c&gt;"
    wrong = [url for url in ("https://a.example/b", "http://a.example/b") if "http" in short_url(url)]
    assert wrong == ["http://a.example/b"]
    assert short_url("https://a.example/<b>") == "a.example/<wbr>&lt;b&gt;"
