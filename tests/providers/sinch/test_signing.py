"""Requests that are printed, with keys and results, in Sinch's documentation and its SDK's tests."""

from __future__ import annotations

from typing import Any

from app.providers.sinch.signing import signature

JSON = "application/json"
ACE = (
    b'{"event":"ace","callid":"822aa4b7-05b4-4d83-87c7-1f835ee0b6f6_257",'
    b'"timestamp":"2014-09-24T10:59:41Z","version":1}'
)
WEBHOOK = b'{"id":"018d2104-aaa-bbbb-1234","price":{"amount":0.0308},"rate":{"amount":0.0}}'
START = b'{"identity":{"type":"number","endpoint":"+33444555666"},"method":"sms"}'
HELLO = b'{"message":"Hello world"}'
KEY_OF_DOCS = "JViE5vDor0Sw3WllZka15Q=="
KEY_OF_TESTS = "bXkta2V5LXNlY3JldA=="
AT = "2023-11-22T09:10:11.999Z"
JUNE = "2014-06-04T13:41:58Z"

PRINTED = [
    (
        ("BeIukql3pTKJ8RGL5zo0DA==", "POST", JSON, "2014-09-24T10:59:41Z", "/sinch/callback/ace", ACE),
        "Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=",
    ),
    (
        ("app-secret", "POST", f"{JSON}; charset=utf-8", "2024-01-19T09:19:28.9372196Z", "/webhook", WEBHOOK),
        "p7hUz20oz16Fhfogs4Z0X+VA/Nhuu505I1alXYqwlKw=",
    ),
    (
        (KEY_OF_TESTS, "POST", f"{JSON}; charset=UTF-8", AT, "/path/pathParamValue", START),
        "QP3OzQZVzRZAEev6DBLvJkgpiqyZPuXYsc7oyjUV0K8=",
    ),
    (
        (KEY_OF_TESTS, "GET", JSON, AT, "/path/pathParamValue", b""),
        "nsrLDvP6KVD/dAxb3IfAncdwjPFJVWSrseEFOcZge+A=",
    ),
    (
        (KEY_OF_DOCS, "POST", JSON, JUNE, "/v1/sms/+46700000000", HELLO),
        "qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=",
    ),
    (
        (KEY_OF_DOCS, "POST", JSON, JUNE, "/calling/v1/callouts", HELLO),
        "aS9fG2smJx6MIhPJDSNiaDQ1D3+e493HuL+VVA9pqyM=",
    ),
]


def sign(secret, *request):
    names = ("method", "content_type", "timestamp", "path", "body")
    return signature(secret, **dict(zip(names, request, strict=True)))


def test_signature_is_the_documented_one_and_covers_every_part(subtests):
    for request_, expected in PRINTED:
        with subtests.test(request_=request_, expected=expected):
            assert sign(*request_) == expected

    for place in range(6):
        with subtests.test(place=place):
            request: list[Any] = list(PRINTED[0][0])
            request[place] = "GET" if place == 1 else request[place][:3] + request[place][4:]
            assert sign(*request) != PRINTED[0][1]

    for secret in [KEY_OF_DOCS, KEY_OF_DOCS.rstrip("="), KEY_OF_DOCS + "\n", KEY_OF_DOCS + "A"]:
        with subtests.test(secret=secret):
            assert sign(secret, *PRINTED[4][0][1:]) == PRINTED[4][1]

    for secret in ["", "!", "é", "A"]:
        with subtests.test(secret=secret):
            assert len(sign(secret, *PRINTED[4][0][1:])) == 44
