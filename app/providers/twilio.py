from __future__ import annotations

from app.provider import Count, Family, PhoneNumber, Provider, Secret, Text


class Twilio(Provider):
    key = "twilio"
    label = "Twilio"
    position = 10
    families = (Family.VOICE, Family.TELEPHONY)
    summary = "Serves the dialer and agent calls."
    webhook_steps = (
        "In the Twilio Console, open the phone number's voice configuration.",
        "For “A call comes in”, choose Webhook and paste the URL, method HTTP POST.",
        "Save. A TwiML app or trunk set on the number would win over the URL: remove it.",
    )

    account_sid = Text(
        "Account SID",
        help="Starts with AC. Console home, Account Info.",
        required=True,
        pattern=r"AC[0-9A-Za-z]{32}",
        example="It is AC and 32 characters.",
    )
    auth_token = Secret("Auth token", help="Beside the account SID, behind Show.", required=True)
    api_key_sid = Text(
        "API key SID",
        help="Starts with SK. Account, API keys & tokens.",
        pattern=r"SK[0-9A-Za-z]{32}",
        example="It is SK and 32 characters.",
        group="Browser dialer",
        families=(Family.VOICE,),
    )
    api_key_secret = Secret(
        "API key secret",
        help="Twilio shows it once, when the key is made.",
        group="Browser dialer",
        families=(Family.VOICE,),
    )
    twiml_app_sid = Text(
        "TwiML app SID",
        help="Starts with AP. Voice, TwiML apps.",
        pattern=r"AP[0-9A-Za-z]{32}",
        example="It is AP and 32 characters.",
        group="Browser dialer",
        families=(Family.VOICE,),
    )
    service_sid = Text(
        "Service SID",
        help="Of the messaging, verify, sync or conversations service, if one is used.",
        pattern=r"[A-Z]{2}[0-9A-Za-z]{32}",
        example="It is two letters such as MG, and 32 characters.",
        group="Browser dialer",
        families=(Family.VOICE,),
    )
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    max_concurrent = Count(
        "Calls at once",
        help="How many agent calls may run at the same time.",
        default=10,
        group="Calls",
        families=(Family.TELEPHONY,),
    )
