"""The COPY stream that numpy and Arrow build, against one that is built value by value."""

import math
import struct

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.copy_binary import POSTGRES_EPOCH_US, SIGNATURE, TRAILER, smallints, timestamps, tuples

TYPES = {
    pa.bool_(): (st.booleans(), lambda v: struct.pack(">?", v)),
    pa.int16(): (st.integers(-(2**15), 2**15 - 1), lambda v: struct.pack(">h", v)),
    pa.int64(): (st.integers(-(2**63), 2**63 - 1), lambda v: struct.pack(">q", v)),
    pa.float64(): (st.floats(allow_nan=False), lambda v: struct.pack(">d", v)),
    pa.string(): (st.text(st.characters(exclude_categories=["Cs"]), max_size=9), lambda v: v.encode()),
    pa.binary(): (st.binary(max_size=9), lambda v: v),
}


def encode(columns):
    return SIGNATURE + tuples(columns) + TRAILER


def one_by_one(columns):
    """The format as PostgreSQL's manual describes it."""
    stream = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    for row in zip(*[values for _, values in columns], strict=True):
        stream += struct.pack(">h", len(row))
        for (kind, _), value in zip(columns, row, strict=True):
            data = None if value is None else TYPES[kind][1](value)
            stream += struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
    return stream + struct.pack(">h", -1)


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.sampled_from(list(TYPES)), min_size=1, max_size=5))
    return [(kind, draw(st.lists(st.none() | TYPES[kind][0], min_size=rows, max_size=rows))) for kind in kinds]


@settings(max_examples=30, deadline=None)
@given(tables())
def test_the_stream_is_what_the_manual_describes(columns):
    assert encode([pa.array(values, type=kind) for kind, values in columns]) == one_by_one(columns)


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 3))
def test_a_slice_of_a_column_is_its_own_values_only(columns, start):
    sliced = [(kind, values[start:]) for kind, values in columns]
    if sliced[0][1]:
        arrays = [pa.array(values, type=kind).slice(start) for kind, values in columns]
        assert encode(arrays) == one_by_one(sliced)


def test_no_rows_are_a_signature_and_a_trailer():
    assert encode([pa.array([], type=pa.int64())]) == SIGNATURE + TRAILER


def test_instants_keep_their_microseconds_and_may_be_missing():
    found = timestamps(pa.array([1_700_000_000.123456, None, 0.0]))
    assert found.to_pylist() == [1_700_000_000_123_456 - POSTGRES_EPOCH_US, None, -POSTGRES_EPOCH_US]


def test_small_numbers_shrink():
    assert smallints(pa.array([0, 3], type=pa.uint8())).type == pa.int16()


def test_a_float_that_is_no_number_still_passes():
    assert encode([pa.array([math.nan])]).endswith(struct.pack(">d", math.nan) + TRAILER)
