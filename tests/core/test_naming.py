from __future__ import annotations

from app.core import naming


def test_names_of_both_apis_and_the_nearest(subtests):
    for provider, field, calls, settings in [
        ("twilio", "auth_token", "twilioAuthToken", "twilio_auth_token"),
        ("twilio", "twiml_app_sid", "twilioTwimlAppSid", "twilio_twiml_app_sid"),
        ("sinch_est", "trunk_id", "sinchEstTrunkId", "sinch_est_trunk_id"),
        ("sinch", "phone_number", "phoneNumber", "sinch_phone_number"),
        ("exotel", "max_concurrent", "exotelMaxConcurrent", "exotel_max_concurrent"),
    ]:
        with subtests.test(provider=provider, field=field, calls=calls, settings=settings):
            assert naming.calls_name(provider, field) == calls
            assert naming.settings_name(provider, field) == settings

    known_names = ["twilio_auth_token", "twilio_account_sid", "public_base_url"]
    assert naming.nearest("twilio_auth_tokn", known_names) == "twilio_auth_token"
    assert naming.nearest("base_url", known_names) == "public_base_url"
    assert naming.nearest("zzz", known_names) is None
