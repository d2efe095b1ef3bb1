"""Frames: what goes in comes out, for every kind; what was changed on the way is refused as a whole."""

import math
import string
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import frames
from contracts.errors import FrameError
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import ENVELOPE, KINDS, SCHEMAS, VALUES, Reading

IDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=40)
INSTANTS = st.floats(0, 4_102_444_800)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


def values_of(annotation: Any, limits: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Values that a field's type allows."""
    limits = limits or {}
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        meta = args[1]
        limits = {name: getattr(meta, name) for name in meta.__slots__} if hasattr(meta, "__slots__") else {}
        names = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
        return values_of(args[0], {name: getattr(meta, name, None) for name in names})
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=4).map(tuple)
    if args:  # X | None
        return st.none() | values_of(next(arg for arg in args if arg is not type(None)))
    if annotation is bool:
        return st.booleans()
    if annotation is float:
        low = limits.get("ge") if limits.get("ge") is not None else limits.get("gt")
        return st.floats(
            low, limits.get("le"), exclude_min=limits.get("gt") is not None, allow_nan=False, allow_infinity=False
        )
    if annotation is int:
        return st.integers(limits.get("ge", -(2**62)), limits.get("le") or 2**62)
    if annotation is bytes:
        return st.binary(min_size=limits.get("min_length") or 0, max_size=60)
    assert annotation is str, annotation
    return IDS if limits.get("pattern") else TEXTS


def readings(kind: str) -> st.SearchStrategy[Reading]:
    hints = get_type_hints(KINDS[kind], include_extras=True)
    return st.builds(KINDS[kind], **{column.name: values_of(hints[column.name]) for column in VALUES[kind]})


ENVELOPES = st.builds(
    Envelope,
    home_id=IDS,
    device_id=IDS,
    via=st.none() | IDS,
    resident_id=st.none() | IDS,
    event_at_s=INSTANTS,
    received_at_s=INSTANTS,
    device_at_s=st.none() | INSTANTS,
    clock=st.integers(0, 3),
    boot=st.integers(-1, 2**62),
    seq=st.integers(0, 2**63 - 1),
)
ROWS = st.lists(
    st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), ENVELOPES, readings(kind))),
    max_size=12,
)
METAS = st.builds(
    FrameMeta,
    source=IDS,
    lane=st.sampled_from(["bulk", "urgent"]),
    watched_until_s=st.none() | INSTANTS,
    unwatched=st.lists(st.tuples(INSTANTS, INSTANTS), max_size=3).map(tuple),
    clock=st.sampled_from(["wall", "virtual", "recorded"]),
    sent_wall_s=INSTANTS,
)


def built(rows: list[tuple[str, Envelope, Reading]], meta: FrameMeta) -> bytes:
    builder = FrameBuilder()
    for kind, envelope, reading in rows:
        builder.add(kind, envelope, reading)
    assert builder.rows == len(rows)
    value = builder.build(meta)
    assert builder.rows == 0
    return value


def as_stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_goes_into_a_frame_comes_out_for_every_kind(kind: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(ENVELOPES, readings(kind)), min_size=1, max_size=4))
    frame = frames.decode(
        built([(kind, *row) for row in rows], FrameMeta(source="s", lane="bulk", watched_until_s=1.0))
    )
    batch = frame.batches[kind]
    assert batch.schema.equals(SCHEMAS[kind])
    for place, (found, (envelope, reading)) in enumerate(zip(batch.to_pylist(), rows, strict=True)):
        expected = {name: getattr(envelope, name) for name in Envelope.__struct_fields__} | {"ordinal": place}
        expected |= {column.name: as_stored(getattr(reading, column.name)) for column in VALUES[kind]}
        assert found == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, meta=METAS)
def test_rows_of_many_kinds_keep_their_order_of_arrival_and_the_statement_its_words(
    rows: list[tuple[str, Envelope, Reading]], meta: FrameMeta
) -> None:
    frame = frames.decode(built(rows, meta))
    assert msgspec.structs.replace(frame.meta, blocks=()) == meta
    assert frame.rows == len(rows)
    order = sorted((row["ordinal"], kind) for kind, batch in frame.batches.items() for row in batch.to_pylist())
    assert order == [(place, kind) for place, (kind, _, _) in enumerate(rows)]


def test_a_tick_has_no_rows_and_still_says_how_far_the_source_is() -> None:
    value = built([], FrameMeta(source="main", lane="urgent", watched_until_s=12.5, unwatched=((1.0, 2.0),)))
    frame = frames.decode(value)
    assert (frame.rows, frame.meta.watched_until_s, frame.meta.unwatched) == (0, 12.5, ((1.0, 2.0),))
    assert frames.read_meta(value) == frame.meta


def test_only_the_kinds_asked_for_are_read() -> None:
    envelope = Envelope("h", "d", None, None, 1.0, 1.0, None, 0, 0, 0)
    rows = [("motion", envelope, KINDS["motion"](moving=True)), ("call", envelope, KINDS["call"]())]  # type: ignore[call-arg]
    value = built(rows, FrameMeta(source="s", lane="bulk", watched_until_s=None))
    assert set(frames.decode(value, ["call"]).batches) == {"call"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, meta=METAS, data=st.data())
def test_a_frame_with_bytes_flipped_is_refused_and_nothing_else_is_raised(
    rows: list[tuple[str, Envelope, Reading]], meta: FrameMeta, data: st.DataObject
) -> None:
    value = bytearray(built(rows, meta))
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameError):
        frames.decode(bytes(value))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, meta=METAS, data=st.data())
def test_a_frame_cut_short_is_refused(
    rows: list[tuple[str, Envelope, Reading]], meta: FrameMeta, data: st.DataObject
) -> None:
    value = built(rows, meta)
    with pytest.raises(FrameError):
        frames.decode(value[: data.draw(st.integers(0, len(value) - 1))])


@pytest.mark.parametrize("at", range(8, 12))
def test_a_frame_without_rows_whose_head_says_another_length_is_refused(at: int) -> None:
    value = bytearray(frames.encode(FrameMeta(source="s", lane="bulk", watched_until_s=1.0), {}))
    value[at] ^= 64
    with pytest.raises(FrameError):
        frames.decode(bytes(value))


@given(noise=st.binary(max_size=200))
def test_noise_is_no_frame(noise: bytes) -> None:
    with pytest.raises(FrameError):
        frames.decode(noise)


def test_null_is_nan_in_numbers_and_none_in_strings() -> None:
    envelope = Envelope("h", "d", None, None, 1.0, 1.0, None, 0, 0, 0)
    value = built(
        [("power", envelope, KINDS["power"](on=True))], FrameMeta(source="s", lane="bulk", watched_until_s=None)
    )  # type: ignore[call-arg]
    batch = frames.decode(value).batches["power"]
    assert math.isnan(frames.numbers(batch, "power_w")[0])
    assert frames.numbers(batch, "on")[0] == 1.0
    assert list(frames.strings(batch, "via")) == [None]


def as_of(monkeypatch: pytest.MonkeyPatch, kind: str, names: list[str]) -> bytes:
    """A frame of one reading by a version of the program whose kind had only these columns."""
    envelope = Envelope("h", "d", None, None, 1.0, 1.0, None, 0, 0, 0)
    reading = KINDS[kind](version=3, residents=("r-1",))  # type: ignore[call-arg]
    batch = frames.decode(
        built([(kind, envelope, reading)], FrameMeta(source="s", lane="bulk", watched_until_s=None))
    ).batches[kind]
    with monkeypatch.context() as then:
        older = batch.select(names)
        then.setitem(SCHEMAS, kind, older.schema)
        return frames.encode(FrameMeta(source="s", lane="bulk", watched_until_s=None), {kind: older})


def test_a_frame_of_an_earlier_version_has_the_columns_that_came_since_as_if_nothing_had_been_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [name for name in SCHEMAS["card"].names if name not in ("device_worn", "care_level")]
    batch = frames.decode(as_of(monkeypatch, "card", names)).batches["card"]
    assert batch.schema.equals(SCHEMAS["card"])
    (row,) = batch.to_pylist()
    assert (row["version"], row["residents"], row["device_worn"], row["care_level"]) == (3, ["r-1"], [], 0)


@pytest.mark.parametrize("lost", ["version", "received_at_s"])
def test_a_frame_without_a_column_that_every_reading_has_is_refused(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    value = as_of(monkeypatch, "card", [name for name in SCHEMAS["card"].names if name != lost])
    with pytest.raises(FrameError, match="other columns"):
        frames.decode(value)


def test_the_envelope_of_a_row_and_of_the_columns_have_the_same_fields() -> None:
    assert [*Envelope.__struct_fields__, "ordinal"] == [column.name for column in ENVELOPE]
