import gzip
import io
import zlib

from hypothesis import given
from hypothesis import strategies as st

from omentum.volumes.sparse_gzip import ZeroRunsGzip


@given(st.lists(st.one_of(st.integers(0, 300_000), st.binary(max_size=200)), max_size=8))
def test_any_program_reads_what_was_written_checksum_and_all(parts):
    raw = io.BytesIO()
    stream = ZeroRunsGzip(raw, 1)
    for part in parts:
        if isinstance(part, int):
            stream.zeros(part)
        else:
            stream.write(part)
    stream.close()
    whole = b"".join(bytes(part) if isinstance(part, int) else part for part in parts)
    assert gzip.decompress(raw.getvalue()) == whole
    assert stream.tell() == len(whole)
    assert zlib.decompress(raw.getvalue(), wbits=31) == whole


def test_a_run_of_zeros_costs_a_few_bytes():
    raw = io.BytesIO()
    stream = ZeroRunsGzip(raw, 1)
    for _ in range(300):
        stream.zeros(512 * 512)
    stream.close()
    assert len(raw.getvalue()) < 300 * 400
    assert gzip.decompress(raw.getvalue()) == bytes(300 * 512 * 512)
