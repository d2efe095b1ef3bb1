"""What the bulk worker uses of Faust without a promise: a new version of Faust that moves it fails here, not at night."""

import inspect
from importlib.metadata import version

import faust
from faust.app.base import App
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer, ThreadDelegateConsumer

from stream.settings import StreamSettings
from stream.worker import make_app


def test_faust_is_the_version_that_was_cycled() -> None:
    assert version("faust-streaming") == "0.15.3"


def test_offsets_can_be_committed_directly() -> None:
    assert list(inspect.signature(ThreadDelegateConsumer._commit).parameters) == ["self", "offsets"]


def test_state_is_restored_before_faust_seeks_and_before_anything_flows() -> None:
    source = inspect.getsource(Recovery._resume_streams)
    places = [source.index(word) for word in ("on_rebalance_complete.send()", "perform_seek()", "resume_flow()")]
    assert places == sorted(places)


def test_faust_drops_its_acknowledgements_before_it_says_revoked() -> None:
    source = inspect.getsource(Consumer.on_partitions_revoked)
    assert source.index("_acked.pop") < source.index("_on_partitions_revoked")


def test_a_message_says_its_generation() -> None:
    assert "generation_id" in faust.types.Message.__slots__
    assert App.consumer_generation_id == 0


def test_the_app_has_the_settings_that_were_cycled() -> None:
    conf = make_app(StreamSettings(kafka="127.0.0.1:1", instance="stream-1")).conf
    assert conf.web_enabled is False
    assert conf.stream_wait_empty is False
    assert conf.topic_allow_declare is False
    assert conf.topic_disable_leader is True
    assert conf.consumer_auto_offset_reset == "earliest"
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval, conf.broker_commit_interval) == (6.0, 1.0, 1.0)
    assert str(conf.store) == "memory:"
