"""Compress files that are zero almost everywhere: each run of zeros is compressed once.

Such a run is always the same few bytes of the stream, so it costs no more than a copy of those.
"""

from functools import cache
from typing import IO, Any

from isal import isal_zlib

__all__ = ["ZeroRunsGzip"]

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Without name and time, so that equal voxels give equal bytes."""
_WINDOW_BITS = -15
_ALL = 0xFFFFFFFF


class ZeroRunsGzip:
    """Compresses into a file that is open for writing; `close` ends the stream and not the file.

    Example:
        >>> import gzip, io
        >>> raw = io.BytesIO()
        >>> stream = ZeroRunsGzip(raw, 1)
        >>> stream.zeros(3)
        >>> stream.write(b"ab")
        2
        >>> stream.close()
        >>> gzip.decompress(raw.getvalue()) == bytes(3) + b"ab"
        True
    """

    def __init__(self, raw: IO[bytes], level: int) -> None:
        self._raw = raw
        self._level = level
        self._compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, _WINDOW_BITS)
        self._is_flushed = True
        self._crc = 0
        self._n_bytes = 0
        raw.write(_HEADER)

    def write(self, data: Any) -> int:
        """Compress bytes."""
        n_bytes = memoryview(data).nbytes
        self._crc = isal_zlib.crc32(data, self._crc)
        self._raw.write(self._compressor.compress(data))
        self._is_flushed = False
        self._n_bytes += n_bytes
        return n_bytes

    def zeros(self, n_bytes: int) -> None:
        """Add a run of zeros."""
        if not self._is_flushed:  # later data must not refer to earlier data
            self._raw.write(self._compressor.flush(isal_zlib.Z_FULL_FLUSH))
            self._is_flushed = True
        self._raw.write(_run(n_bytes, self._level))
        self._crc = isal_zlib.crc32_combine(self._crc, _run_crc(n_bytes), n_bytes)
        self._n_bytes += n_bytes

    def tell(self) -> int:
        """Give how many bytes were taken so far."""
        return self._n_bytes

    def close(self) -> None:
        """End the stream."""
        self._raw.write(self._compressor.flush())
        self._raw.write(self._crc.to_bytes(4, "little") + (self._n_bytes & _ALL).to_bytes(4, "little"))


@cache
def _run(n_bytes: int, level: int) -> bytes:
    compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, _WINDOW_BITS)
    return bytes(compressor.compress(bytes(n_bytes)) + compressor.flush(isal_zlib.Z_FULL_FLUSH))


@cache
def _run_crc(n_bytes: int) -> int:
    return int(isal_zlib.crc32(bytes(n_bytes)))
