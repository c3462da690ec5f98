from __future__ import annotations

import pytest

from app.core import user_agents

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


def test_words_name_browser_and_system(subtests: pytest.Subtests) -> None:
    for user_agent, words in [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/140.0.0.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Safari on Mac"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/140.0.0.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {KIT} Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (f"{MAC} {KIT} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0", "Opera on Mac"),
        ("Something (Linux)", "Browser on Linux"),
        ("curl/8.5.0", user_agents.UNKNOWN),
        ("", user_agents.UNKNOWN),
    ]:
        with subtests.test(user_agent=user_agent):
            assert user_agents.words(user_agent) == words
