"""The ways that docs/notifying.md names exist in Apprise under these addresses; and no log repeats an address, which holds a secret."""

import logging

import apprise
import pytest

from alerts.channels import AppriseChannels
from alerts.notices import Recipient

ADDRESSES = {
    "WeCom": "wecombot://secretword-8e1f7e1a",
    "DingTalk": "dingtalk://secretword8e1f7e1a",
    "Feishu": "feishu://secretword8e1f7e1a",
    "Lark": "lark://secretword8e1f7e1a",
    "ntfy": "ntfys://secretword",
    "mail": "mailtos://user:secretword@example.org?to=desk@example.org",
    "webhook": "jsons://example.org/secretword",
}


@pytest.mark.parametrize("way", ADDRESSES)
def test_each_way_that_the_docs_name_has_its_address(way):
    assert apprise.Apprise.instantiate(ADDRESSES[way], suppress_exceptions=False) is not None


async def test_no_log_repeats_an_address_whatever_goes_wrong(caplog, monkeypatch):
    def breaks(self, *args, **kwargs):
        raise RuntimeError("cannot reach json://127.0.0.1:1/secretword")

    addresses = ["json://127.0.0.1:1/secretword", "no-such-way://secretword", "push:secretword"]
    channels = AppriseChannels(8.0, push_key="A" * 43)
    with caplog.at_level(logging.DEBUG):
        results = [
            await channels.send(Recipient(recipient_id="chief", kind="supervisor", url=url), "a", "b")
            for url in addresses
        ]
        monkeypatch.setattr(apprise.Apprise, "notify", breaks)
        results.append(
            await channels.send(Recipient(recipient_id="chief", kind="supervisor", url=addresses[0]), "a", "b")
        )
    assert not any(result.sent for result in results)
    assert "secretword" not in caplog.text + "".join(result.detail for result in results)
