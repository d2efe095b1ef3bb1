"""Web Push against the example of RFC 8291 (appendix A), and a browser's side that opens what was sealed."""

from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alerts import web_push
from tests.contract.alerts.browser import Browser

SUBSCRIPTION = web_push.Subscription(
    "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "BTBZMqHH6r4Tts7J_aSIgg",
)


def test_the_rfc_s_own_example_comes_out_byte_for_byte():
    ours = web_push.private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    found = web_push.sealed(
        b"When I grow up, I want to be a watermelon",
        SUBSCRIPTION,
        ours=ours,
        salt=web_push._bytes("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert web_push._text(found) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_browser_opens_what_was_sealed_for_it_and_no_other_does():
    mine, other = Browser(), Browser()
    sealed = web_push.sealed("守望：跌倒警情".encode(), mine.subscription("https://push.example/1"))
    assert mine.opened(sealed).decode() == "守望：跌倒警情"
    with pytest.raises(InvalidTag):
        other.opened(sealed)


def test_no_two_messages_are_sealed_alike():
    to = Browser().subscription("https://push.example/1")
    assert web_push.sealed(b"x", to) != web_push.sealed(b"x", to)


def test_the_signature_names_the_push_service_and_ends():
    key = ec.generate_private_key(ec.SECP256R1())
    header = web_push.signature("https://push.example:8443/a/b?c", key, "mailto:watch@example.org", 1_000_000.0)
    token = header.removeprefix("vapid t=").split(", k=")[0]
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="https://push.example:8443", options={"verify_exp": False})  # fmt: skip
    assert claims["exp"] - 1_000_000 <= 86_400
    assert claims["sub"] == "mailto:watch@example.org"
    assert header.endswith(web_push.public_key(key))


def test_an_address_keeps_the_subscription_and_holds_no_plain_endpoint():
    address = SUBSCRIPTION.address()
    assert web_push.Subscription.of_address(address) == SUBSCRIPTION
    assert urlsplit(SUBSCRIPTION.endpoint).netloc not in address


@pytest.mark.parametrize(("p256dh", "auth"), [("BCVx", SUBSCRIPTION.auth), (SUBSCRIPTION.p256dh, "AAAA")])
def test_what_nothing_can_be_sealed_for_is_refused(p256dh, auth):
    with pytest.raises(ValueError, match=r"\w"):
        web_push.Subscription("https://push.example/1", p256dh, auth).checked()
